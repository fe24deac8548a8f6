"""Adding suppressions, one suppression, and the answer why an address gets no mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from accounts.models import User, Workspace
from contacts import evidence, provenance, sources
from contacts.provenance import Source
from contacts.queries import patternmatches
from contacts.services import knownaddresses, whynot
from contacts.services import suppressions as service
from contacts.suppressionforms import SuppressionForm, SuppressionsForm
from contacts.suppressionlines import Entry
from contacts.suppressionmodels import Suppression
from pages import locales, overtaken, toasts

UNDO_SALT = "contacts.undo_added"
# A pattern that matches all of fewer contacts than this may be meant so.
FEW = 10


@dataclass(frozen=True, slots=True)
class PatternPreview:
    pattern: str
    matches: int


@dataclass(frozen=True, slots=True)
class AddedSuppressions:
    """The result of a form: `count` of new ones, or the preview that a person must confirm."""

    count: int | None = None
    source: Source = provenance.UNKNOWN
    total: int = 0
    preview: Sequence[PatternPreview] = ()


def add_from(
    form: SuppressionsForm, workspace: Workspace | None, *, confirmed: str, by: User
) -> AddedSuppressions | None:
    """Adds what the form says, in a workspace or (None) in the installation. Patterns must be
    `confirmed` (with blanks between): first the person sees how many contacts each one matches.
    None: the form has an error now."""
    given = [one.value for one in form.patterns]
    if given and confirmed.split() != given:
        found = _preview(form, workspace, form.patterns)
        return None if form.errors else found
    source = provenance.one_action()
    try:
        count = service.add(
            workspace, form.wanted, source=source, detail=form.cleaned_data["detail"], by=by
        )
    except service.TooManyPatternsError as error:
        form.add_error("lines", str(error))
        return None
    return AddedSuppressions(count, source)


def _preview(
    form: SuppressionsForm, workspace: Workspace | None, given: Sequence[Entry]
) -> AddedSuppressions:
    found = patternmatches.count(workspace, [one.like_text for one in given])
    for one, matches in zip(given, found.each, strict=True):
        if matches == found.total >= FEW:
            text = _("{pattern} matches all of your {count} contacts. Make it more specific.")
            form.add_error(
                "lines",
                ValidationError(text.format(pattern=one.value, count=locales.number(found.total))),
            )
    rows = [
        PatternPreview(one.value, matches) for one, matches in zip(given, found.each, strict=True)
    ]
    return AddedSuppressions(total=found.total, preview=rows)


def say_added(request: HttpRequest, count: int, source: Source, url: str) -> None:
    """`url`: of the view that undoes it."""
    text = ngettext("{count} suppression added.", "{count} suppressions added.", count)
    text = text.format(count=locales.number(count))
    if not count:
        messages.success(request, text)
        return
    token = signing.dumps(source.as_json(), salt=UNDO_SALT)
    toasts.undo(request, text, f"{url}?token={token}")


def source_of(request: HttpRequest) -> Source:
    """The source in the signed token. Raises BadRequest."""
    try:
        stored = signing.loads(request.GET.get("token", ""), salt=UNDO_SALT, max_age=3600)
    except signing.BadSignature as error:
        raise BadRequest from error
    return Source.from_json(stored)


def add_suppressions(request: WorkspaceRequest) -> HttpResponseBase:
    form = SuppressionsForm(request.POST or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        confirmed = request.POST.get("confirmed", "")
        added = add_from(form, request.workspace, confirmed=confirmed, by=request.user)
        if added is not None and added.count is not None:
            url = reverse("undo_added", args=[request.workspace.slug])
            say_added(request, added.count, added.source, url)
            return redirect("suppressions", request.workspace.slug)
        context["added"] = added
    return render(request, "contacts/suppressions_form.html", context)


@require_POST
def undo_added(request: WorkspaceRequest) -> HttpResponseBase:
    """Removes the suppressions of the signed token, as if they had not been added."""
    count = service.undo_suppress(request.workspace, source_of(request))
    text = ngettext("{count} suppression removed.", "{count} suppressions removed.", count)
    messages.success(request, text.format(count=locales.number(count)))
    return redirect("suppressions", request.workspace.slug)


# One suppression ---------------------------------------------------------------------------------


def suppression(request: WorkspaceRequest, pk: int) -> HttpResponse:
    one = get_in(request.workspace, Suppression, pk=pk)
    return _page(request, one, SuppressionForm(one=one))


def edit_suppression(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Its note, and when it ends."""
    one = get_in(request.workspace, Suppression, pk=pk)
    form = SuppressionForm(request.POST or None, one=one)
    if request.method != "POST" or not form.is_valid() or overtaken.is_overtaken(form):
        return _page(request, one, form)
    until = form.cleaned_data["until"]
    if until != one.until and not service.set_until(one, until):
        form.add_error(
            "until",
            _(
                "This can't be changed: it was lifted meanwhile, or the same value is suppressed "
                "once more in this way."
            ),
        )
        return _page(request, one, form)
    service.write_note(one, form.cleaned_data["note"])
    messages.success(request, _("Saved."))
    return redirect("suppression", request.workspace.slug, one.pk)


def _page(request: WorkspaceRequest, one: Suppression, form: SuppressionForm) -> HttpResponse:
    context = {
        "one": one,
        "form": form,
        "source_names": sources.names(request.workspace, [one.source]),
        "evidence": evidence.of(one),
    }
    return render(request, "contacts/suppression.html", context)


def why_no_mail(request: WorkspaceRequest) -> HttpResponse:
    """Every reason why an address gets no mail. `q`: the address, known or not."""
    typed = request.GET.get("q", "").strip()[:1000]
    found = whynot.answer(request.workspace, typed) if typed else None
    context: dict[str, object] = {"answer": found, "typed": typed}
    if found and found.address:
        context["was_of"] = knownaddresses.find(request.workspace, found.address).was_of
    return render(request, "contacts/why_no_mail.html", context)
