"""The list of a workspace's designs; duplicating, archiving and restoring a design."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from accounts.permissions import Permission
from designs import services
from designs.models import Design
from pages import tables, toasts

SORTS = {"name": "name", "changed": "updated_at", "made": "id"}
# Designs on a page. Each thumbnail is a rendered mail.
PAGE = 24


def designs(request: WorkspaceRequest) -> HttpResponse:
    here = Design.objects.filter(workspace=request.workspace)
    archived = request.GET.get("archived") == "1"
    shown = here.filter(archived_at__isnull=not archived)
    if text := request.GET.get("q", "").strip():
        shown = shown.filter(name__icontains=text)
    page = tables.keyset(
        shown.select_related("updated_by").defer("html", "text"),
        request,
        sorts=SORTS,
        default="-changed",
        size=PAGE,
    )
    context = {
        "page": page,
        "archived": archived,
        "any_archived": archived or here.exclude(archived_at=None).exists(),
        "anything": bool(page.rows) or here.filter(archived_at__isnull=not archived).exists(),
        "sorts": [
            ("-changed", _("Changed last")),
            ("name", _("Name")),
            ("-made", _("Newest")),
        ],
        "may_edit": request.may(Permission.EDIT_DESIGNS),
    }
    return render(request, "designs/list.html", context)


@require_POST
def duplicate_design(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    copy = services.duplicate(get_in(request.workspace, Design, pk=pk), by=request.user)
    return redirect("design", request.workspace.slug, copy.pk)


@require_POST
def archive_design(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    design = get_in(request.workspace, Design, pk=pk)
    services.archive(design)
    url = reverse("restore_design", args=[request.workspace.slug, design.pk])
    toasts.undo(request, _("%(name)s is archived.") % {"name": design.name}, url)
    return redirect("designs", request.workspace.slug)


@require_POST
def restore_design(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    services.restore(get_in(request.workspace, Design, pk=pk))
    return redirect("designs", request.workspace.slug)
