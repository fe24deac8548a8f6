"""Saved mappings of imports: their list, a new name, and deleting one."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts.forms import DATES, SavedMappingForm
from contacts.models import Attribute, SavedMapping
from contacts.services import savedmappings as service
from contacts.views.importcolumns import FIELD_LABELS, STATUS_LABELS


def saved_mappings(request: WorkspaceRequest) -> HttpResponse:
    own = SavedMapping.objects.filter(workspace=request.workspace).select_related("created_by")
    return render(request, "contacts/mappings.html", {"mappings": own.order_by("name")})


def edit_mapping(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    saved = get_in(request.workspace, SavedMapping, pk=pk)
    form = SavedMappingForm(request.POST or None, initial={"name": saved.name})
    if request.method == "POST" and form.is_valid():
        try:
            service.rename(saved, form.cleaned_data["name"])
        except service.SavedMappingError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("saved_mappings", request.workspace.slug)
    context = {"form": form, "mapping": saved, "columns": _becomes(saved), "dates": _dates(saved)}
    return render(request, "contacts/mapping_form.html", context)


def _becomes(saved: SavedMapping) -> list[tuple[str, str]]:
    """(name of the column, what it becomes; "": left out)"""
    known = Attribute.objects.filter(workspace_id=saved.workspace_id)
    labels = {f"attribute:{attribute.key}": attribute.label for attribute in known}
    labels |= {key: str(label) for key, label in (FIELD_LABELS | STATUS_LABELS).items()}
    names = [*saved.header, *[""] * len(saved.targets)]
    return [
        (name, labels.get(target) or _other(name, target))
        for name, target in zip(names, saved.targets, strict=False)
    ]


def _other(name: str, target: str) -> str:
    """An attribute that no import has made yet, or that was deleted since."""
    kind, _colon, rest = target.partition(":")
    key = rest.partition(":")[0]
    if kind == "new":
        return _("New attribute “{name}”").format(name=name or key)
    if kind == "attribute":
        return _("The attribute {key}, which was deleted: guessed anew").format(key=key)
    return ""


def _dates(saved: SavedMapping) -> str:
    return str(dict(DATES)[saved.dates]) if saved.dates in dict(DATES) and saved.dates else ""


@require_POST
def delete_mapping(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    saved = get_in(request.workspace, SavedMapping, pk=pk)
    saved.delete()
    messages.success(request, _("The mapping {name} is deleted.").format(name=saved.name))
    return redirect("saved_mappings", request.workspace.slug)
