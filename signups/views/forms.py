"""The pages of a workspace about its forms: the list, the builder, a form with its numbers and
codes, and its sign-ups."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import addresses
from contacts.models import List
from pages import overtaken, publicwords, reasons, tables
from signups import embedcodes, publicform
from signups.forms import BuilderForm, field_names
from signups.models import Signup, SignupForm
from signups.publicform import PublicForm
from signups.queries import counts
from signups.services import forms as service
from signups.views.incoming import Sent


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
    texts = _texts(one, service.is_double(one))
    shown = PublicForm(fields=service.fields_of(one), texts=texts)
    closed = service.closed_because(one)
    context = {
        "signup_form": one,
        "numbers": counts.by_state([one.pk])[one.pk],
        "lists": one.lists.order_by("name"),
        "closed": reasons.text(closed) if closed and closed != service.OFF else "",
        "url": embedcodes.page_url(one),
        "script": embedcodes.script(one),
        "plain": embedcodes.plain(one, shown, texts),
        "double": service.is_double(one),
    }
    return render(request, "signups/form.html", context)


def _texts(one: SignupForm, is_double: bool) -> publicform.PublicTexts:
    """In the form's language, or else the person's who looks at it."""
    reader = publicwords.choose([one.language, get_language() or ""])
    return publicform.texts_of(one, reader, is_double=is_double)


def new_signup_form(request: WorkspaceRequest) -> HttpResponseBase:
    form = BuilderForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and not form.moves and form.is_valid():
        one = service.create(
            request.workspace,
            lists=form.cleaned_data["lists"],
            by=request.user,
            **form.values(),
        )
        messages.success(request, _("The form {name} was created.").format(name=one.name))
        return redirect("signup_form", request.workspace.slug, one.pk)
    return render(request, "signups/builder.html", {"form": form})


def edit_signup_form(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, SignupForm, pk=pk)
    form = BuilderForm(request.POST or None, workspace=request.workspace, one=one)
    sent = request.method == "POST" and not form.moves
    if sent and form.is_valid() and not overtaken.is_overtaken(form):
        service.change(one, lists=form.cleaned_data["lists"], **form.values())
        messages.success(request, _("Saved."))
        return redirect("signup_form", request.workspace.slug, one.pk)
    return render(request, "signups/builder.html", {"form": form, "signup_form": one})


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
    text = _("{name} takes sign-ups.") if is_on else _("{name} takes no sign-ups any more.")
    messages.success(request, text.format(name=one.name))
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
        "labels": field_names(request.workspace),
        "filtered": bool(state or asked),
    }
    return render(request, "signups/signups.html", context)


def _normal(typed: str) -> str:
    try:
        return addresses.normalise(typed)
    except addresses.AddressError:
        return typed
