"""Saved mappings of imports: their list, a new name, and deleting one."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts.forms import SavedMappingForm
from contacts.models import SavedMapping
from contacts.services import savedmappings as service


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
    return render(request, "contacts/mapping_form.html", {"form": form, "mapping": saved})


@require_POST
def delete_mapping(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    saved = get_in(request.workspace, SavedMapping, pk=pk)
    saved.delete()
    messages.success(request, _("The mapping {name} is deleted.").format(name=saved.name))
    return redirect("saved_mappings", request.workspace.slug)
