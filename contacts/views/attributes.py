"""Attributes: the workspace's own fields."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import mergenames
from contacts.forms import AttributeForm
from contacts.models import Attribute, Job
from contacts.services import attributes as service
from contacts.views.jobs import in_background
from pages import locales, overtaken


def attributes(request: WorkspaceRequest) -> HttpResponse:
    own = Attribute.objects.filter(workspace=request.workspace)
    return render(request, "contacts/attributes.html", {"attributes": own})


def new_attribute(request: WorkspaceRequest) -> HttpResponseBase:
    form = AttributeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = service.add(
            request.workspace,
            label=form.cleaned_data["label"],
            type_=form.cleaned_data["type"],
            choices=form.cleaned_data["choices"],
        )
        messages.success(request, _made(made))
        return redirect("attributes", request.workspace.slug)
    return render(request, "contacts/attribute_form.html", {"form": form})


def _made(made: Attribute) -> str:
    """Says which merge field it is, and why the field differs from a reserved name."""
    words = {"name": made.label, "field": "{{ " + made.key + " }}"}
    if mergenames.is_reserved(plain := made.key.removesuffix("_")):
        text = _(
            "{name} was created; in designs it is {field}, because {taken} has another meaning."
        )
        return text.format(**words, taken="{{ " + plain + " }}")
    return _("{name} was created; in designs it is {field}.").format(**words)


def edit_attribute(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Name and choices; merge field and type stay: mails and values depend on them."""
    attribute = get_in(request.workspace, Attribute, pk=pk)
    form = AttributeForm(request.POST or None, attribute=attribute)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        service.change(
            attribute, label=form.cleaned_data["label"], choices=form.cleaned_data["choices"]
        )
        messages.success(request, _("Saved."))
        return redirect("attributes", request.workspace.slug)
    context = {"form": form, "attribute": attribute, "used_by": service.used_by(attribute)}
    context["users"] = service.segments_with(attribute)
    return render(request, "contacts/attribute_form.html", context)


@require_POST
def move_attribute(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    attribute = get_in(request.workspace, Attribute, pk=pk)
    step = {"up": -1, "down": 1}.get(request.POST.get("to", ""))
    if step is None:
        raise BadRequest
    service.move(attribute, step)
    return redirect("attributes", request.workspace.slug)


@require_POST
def delete_attribute(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    attribute = get_in(request.workspace, Attribute, pk=pk)
    had = service.delete(attribute, by=request.user)
    if isinstance(had, Job):
        return in_background(request, had)
    text = ngettext(
        "{name} is deleted, with the value of {count} person.",
        "{name} is deleted, with the values of {count} people.",
        had,
    )
    messages.success(request, text.format(name=attribute.label, count=locales.number(had)))
    return redirect("attributes", request.workspace.slug)
