"""Bounce mailboxes: their state, the form, and trying one out."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from accounts.secrets import SecretError
from bounces.forms import MailboxForm
from bounces.imap.wire import Account
from bounces.models import BounceMailbox
from bounces.services import mailboxes as service
from bounces.services import unprovensources
from bounces.views.bounces import STATES
from pages import locales, overtaken
from relays.managers import managers
from relays.providers import mailboxproviders as known


def mailboxes(request: WorkspaceRequest) -> HttpResponse:
    found = BounceMailbox.objects.filter(workspace=request.workspace).order_by("name")
    rows = [(one, *service.sentence(one)) for one in found]
    return render(request, "bounces/mailboxes.html", {"rows": rows})


def mailbox_page(request: WorkspaceRequest, pk: int) -> HttpResponse:
    one = get_in(request.workspace, BounceMailbox, pk=pk)
    sentence, words = service.sentence(one)
    counts = service.counts(one)
    context = {
        "mailbox": one,
        "manager": managers.get(one.managed_by),
        "sentence": sentence,
        "words": words,
        "counts": counts,
        "parts_of_left": [(state, STATES[state], n) for state, n in counts.parts_of_left],
        "sources": (unprovensources.MOST, unprovensources.KEPT.days),
    }
    return render(request, "bounces/mailbox.html", context)


def new_mailbox(request: WorkspaceRequest) -> HttpResponseBase:
    mailbox_provider = known.get(request.GET.get("provider", ""))
    initial = asdict(mailbox_provider.imap) if mailbox_provider else {}
    form = MailboxForm(request.POST or None, workspace=request.workspace, initial=initial)
    if request.method == "POST" and form.is_valid():
        one = service.create(request.workspace, **form.cleaned_data)
        messages.success(request, _("The mailbox {name} was added.").format(name=one.name))
        return redirect("mailbox", request.workspace.slug, one.pk)
    offered = known.mailbox_providers().values()
    context = {"form": form, "mailbox_providers": offered, "mailbox_provider": mailbox_provider}
    return render(request, "bounces/mailbox_form.html", context)


def edit_mailbox(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, BounceMailbox, pk=pk, managed_by="")
    form = MailboxForm(request.POST or None, workspace=request.workspace, mailbox=one)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        service.change(one, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("mailbox", request.workspace.slug, one.pk)
    return render(request, "bounces/mailbox_form.html", {"form": form, "mailbox": one})


@require_POST
def try_new_mailbox(request: WorkspaceRequest) -> HttpResponse:
    return _try(request, MailboxForm(request.POST, workspace=request.workspace))


@require_POST
def try_mailbox(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Tries the typed values; on the mailbox's own page, the stored ones."""
    one = get_in(request.workspace, BounceMailbox, pk=pk)
    if "host" in request.POST and not one.managed_by:
        form = MailboxForm(request.POST, workspace=request.workspace, mailbox=one)
        return _try(request, form)
    try:
        trial = service.try_out(
            service.account(one), move_to=service.target(one), trusted=bool(one.managed_by)
        )
    except SecretError:
        trial = service.MailboxTrial(False, service.text("secret"))
    return render(
        request, "bounces/parts/mailbox_trial.html", {"trial": trial, "folder": one.folder}
    )


def _try(request: WorkspaceRequest, form: MailboxForm) -> HttpResponse:
    """A part of a page: the server's answers, or the errors of the form."""
    needed = ("host", "port", "security", "username", "password", "folder", "after", "move_to")
    form.is_valid()
    wrong = [str(text) for name in needed for text in form.errors.get(name, ())]
    if wrong:
        context: dict[str, object] = {"wrong": wrong}
        return render(request, "bounces/parts/mailbox_trial.html", context)
    given = form.cleaned_data
    try:
        stored = service.account(form.mailbox).password if form.mailbox else ""
    except SecretError:
        stored = ""
    account = Account(
        host=given["host"],
        port=given["port"],
        security=given["security"],
        username=given["username"],
        password=given["password"] or stored,
        folder=given["folder"],
    )
    move_to = given["move_to"] if given["after"] == BounceMailbox.After.MOVE else ""
    context = {"trial": service.try_out(account, move_to=move_to), "folder": account.folder}
    return render(request, "bounces/parts/mailbox_trial.html", context)


@require_POST
def collect_mailbox(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, BounceMailbox, pk=pk)
    service.hurry(one)
    messages.success(request, _("It is collected within ten seconds."))
    return redirect("mailbox", request.workspace.slug, one.pk)


@require_POST
def switch_mailbox(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Switches it on or off."""
    one = get_in(request.workspace, BounceMailbox, pk=pk)
    text = _("{name} is collected again.") if service.switch(one) else _("{name} is off.")
    messages.success(request, text.format(name=one.name))
    return redirect("mailbox", request.workspace.slug, one.pk)


@require_POST
def delete_mailbox(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, BounceMailbox, pk=pk, managed_by="")
    count = service.remove(one)
    text = ngettext(
        "{name} and {count} kept mail are forgotten.",
        "{name} and {count} kept mails are forgotten.",
        count,
    )
    messages.success(request, text.format(name=one.name, count=locales.number(count)))
    return redirect("mailboxes", request.workspace.slug)
