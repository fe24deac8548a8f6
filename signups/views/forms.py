"""The pages of a workspace about its forms: the list, the builder, a form with its numbers and
codes, and its sign-ups."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from accounts.models import Workspace
from contacts import addresses
from contacts.models import List
from pages import overtaken, publicwords, reasons, tables
from pages.numbers import whole
from signups import embedcodes, publicform
from signups.forms import BuilderForm, shown_fields
from signups.models import Signup, SignupForm
from signups.publicform import PublicForm
from signups.queries import counts, routes
from signups.services import forms as service
from signups.views.incoming import Sent

# The parameter of a form's page for the language of its plain HTML.
CODE_LANGUAGE = "code_language"


def signup_forms(request: WorkspaceRequest) -> HttpResponse:
    forms = list(SignupForm.objects.filter(workspace=request.workspace).order_by("name"))
    numbers = counts.by_state([one.pk for one in forms])
    context = {
        "rows": [(one, numbers[one.pk]) for one in forms],
        "lists_exist": List.objects.filter(workspace=request.workspace, archived_at=None).exists(),
    }
    return render(request, "signups/forms.html", context)


def signup_form(request: WorkspaceRequest, pk: int) -> HttpResponse:
    one = get_in(request.workspace, SignupForm, pk=pk)
    texts = _texts(one, service.is_double(one), asked=request.GET.get(CODE_LANGUAGE, ""))
    shown = PublicForm(fields=service.fields_of(one), texts=texts)
    context = {
        "signup_form": one,
        "numbers": counts.by_state([one.pk])[one.pk],
        "lists": one.lists.order_by("name"),
        "missing": _missing(one),
        "url": embedcodes.page_url(one),
        "script": embedcodes.script(one),
        "plain": embedcodes.plain(one, shown, texts),
        "double": service.is_double(one),
        "code_language": texts.reader,
        "code_languages": [(code, publicwords.name(code)) for code in publicwords.LANGUAGES],
    }
    return render(request, "signups/form.html", context)


def _texts(one: SignupForm, is_double: bool, *, asked: str = "") -> publicform.PublicTexts:
    """In the form's language, or else the one that is `asked` for, or else that of the person who
    looks at it."""
    reader = publicwords.choose([one.language, asked, get_language() or ""])
    return publicform.texts_of(one, reader, is_double=is_double)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a form that is on takes no sign-ups. `no_relay`: the workspace has none to choose."""

    code: str
    no_relay: bool

    @property
    def text(self) -> str:
        return reasons.text(self.code)


def _missing(one: SignupForm) -> Missing | None:
    code = service.closed_because(one)
    if not code or code == service.OFF:
        return None
    return Missing(code, no_relay=not routes.choices(one.workspace))


def _missing_for_new(workspace: Workspace) -> Missing | None:
    """What the workspace has not yet, before a form is made."""
    no_relay = not routes.choices(workspace)
    if not workspace.from_email:
        return Missing(service.NO_SENDER, no_relay)
    return Missing(service.NO_ROUTE, no_relay) if no_relay else None


def new_signup_form(request: WorkspaceRequest) -> HttpResponseBase:
    """`list`: the id of a list that is ticked at first."""
    asked = whole(request.GET.get("list", ""))
    initial = {"lists": [asked]} if asked else None
    form = BuilderForm(request.POST or None, workspace=request.workspace, initial=initial)
    if request.method == "POST" and not form.moves and form.is_valid():
        one = service.create(
            request.workspace,
            lists=form.cleaned_data["lists"],
            by=request.user,
            **form.values(),
        )
        messages.success(request, _("The form {name} was created.").format(name=one.name))
        return redirect("signup_form", request.workspace.slug, one.pk)
    context = {"form": form, "missing": _missing_for_new(request.workspace)}
    return render(request, "signups/builder.html", context)


def edit_signup_form(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, SignupForm, pk=pk)
    form = BuilderForm(request.POST or None, workspace=request.workspace, one=one)
    sent = request.method == "POST" and not form.moves
    if sent and form.is_valid() and not overtaken.is_overtaken(form):
        service.change(one, lists=form.cleaned_data["lists"], **form.values())
        messages.success(request, _("Saved."))
        return redirect("signup_form", request.workspace.slug, one.pk)
    context = {"form": form, "signup_form": one, "missing": _missing_for_new(request.workspace)}
    return render(request, "signups/builder.html", context)


@require_POST
def preview_signup_form(request: WorkspaceRequest) -> HttpResponse:
    """The page of a form as it is typed, right or wrong. Nothing is stored."""
    draft = BuilderForm(request.POST, workspace=request.workspace)
    chosen = [value for value in request.POST.getlist("lists") if value.isdecimal()][:100]
    lists = List.objects.filter(workspace=request.workspace, pk__in=[int(v) for v in chosen])
    one = draft.draft()
    texts = _texts(one, any(rules.double_opt_in for rules in service.rules_of(list(lists))))
    shown = Sent(PublicForm(fields=service.fields_of(one), texts=texts), texts, "")
    context = {
        "reader": texts.reader,
        "brand": request.workspace,
        "signup": shown,
        "is_preview": True,
    }
    page = render_to_string("public/signup.html", context, request=request)
    return render(request, "signups/parts/preview.html", {"page": page})


@require_POST
def toggle_signup_form(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Switch it on or off."""
    one = get_in(request.workspace, SignupForm, pk=pk)
    is_on = service.toggle(one)
    if not is_on:
        messages.success(request, _("{name} takes no sign-ups any more.").format(name=one.name))
    elif not service.closed_because(one):
        # Otherwise its page says what it needs first.
        messages.success(request, _("{name} takes sign-ups.").format(name=one.name))
    return redirect("signup_form", request.workspace.slug, one.pk)


def form_signups(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What people sent by a form. By state, and by a whole address (q)."""
    one = get_in(request.workspace, SignupForm, pk=pk)
    rows = Signup.objects.filter(form=one).select_related("contact")
    if (state := request.GET.get("state", "")) in Signup.State.values:
        rows = rows.filter(state=state)
    if asked := request.GET.get("q", "").strip():
        rows = rows.filter(workspace=request.workspace, address=_normal(asked))
    page = tables.keyset(rows, request, sorts={"sent": "pk"}, default="-sent")
    context = {
        "signup_form": one,
        "page": page,
        "states": Signup.State.choices,
        "fields": shown_fields(request.workspace),
        "filtered": bool(state or asked),
    }
    return render(request, "signups/signups.html", context)


def _normal(typed: str) -> str:
    try:
        return addresses.normalise(typed)
    except addresses.AddressError:
        return typed
