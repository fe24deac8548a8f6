"""URLs of a workspace with sample pages, for tests of the shell: the real ones and these."""

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path

import config.urls
from accounts.access import WorkspaceRequest, workspace_path
from accounts.permissions import Permission
from contacts.models import List
from pages import csp, search, tables, toasts
from pages.views import bad_request, forbidden, not_found, server_error

handler400, handler403, handler404, handler500 = bad_request, forbidden, not_found, server_error

search.actions.add(search.Action("Sample action", "star", "sample"))

CHART = {
    "labels": [f"2026-11-24T02:{minute:02}:00+00:00" for minute in range(30)],
    "series": [
        {"name": "Accepted", "values": [12 + 3 * n for n in range(30)], "role": "accepted"},
        {"name": "Failed", "values": [n % 4 for n in range(30)], "role": "failed"},
    ],
}
BARS = {
    "labels": ["gmail.com", "qq.com", "163.com"],
    "series": [{"name": "Opened", "values": [310, 220, 90], "role": "opened"}],
}


class SampleForm(forms.Form):
    email = forms.EmailField(label="Address", help_text="Where mail goes.")
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    size = forms.ChoiceField(choices=[("s", "Small"), ("l", "Large")], required=False)
    agree = forms.BooleanField(label="I agree")
    html = forms.CharField(
        label="HTML",
        required=False,
        widget=forms.Textarea({"data-editor": "html", "data-fields": "fields"}),
    )


def _lists(request: WorkspaceRequest, parameters: QueryDict) -> QuerySet[List]:
    found = List.objects.filter(workspace=request.workspace)
    if text := parameters.get("q"):
        found = found.filter(name__icontains=text)
    return found


def sample(request: WorkspaceRequest) -> HttpResponse:
    form = SampleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        messages.success(request, "Saved.")
    page = tables.keyset(_lists(request, request.GET), request, sorts={"name": "name"}, size=2)
    context = {
        "form": form,
        "page": page,
        "chart": CHART,
        "bars": BARS,
        "fields": [{"key": "first_name", "label": "First name"}],
    }
    return render(request, "sample.html", context)


def archive(request: WorkspaceRequest) -> HttpResponse:
    rows = tables.selected(request, lambda parameters: _lists(request, parameters))
    messages.success(request, f"{rows.count()} archived")
    return redirect("sample", request.workspace.slug)


def delete(request: WorkspaceRequest) -> HttpResponse:
    toasts.undo(request, "Deleted.", f"/w/{request.workspace.slug}/restore/")
    return redirect("sample", request.workspace.slug)


def restore(request: WorkspaceRequest) -> HttpResponse:
    messages.success(request, "Restored.")
    return redirect("sample", request.workspace.slug)


def undoable(request: HttpRequest) -> HttpResponse:
    toasts.undo(request, "Deleted.", "/undo/")
    return HttpResponse("part")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


@csp.only(img_src=["*"], style_src=["'unsafe-inline'"], frame_ancestors=["'self'"], sandbox=[])
def preview(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>mail</p>")


urlpatterns = [
    workspace_path("sample/", sample, permission=Permission.VIEW, name="sample"),
    workspace_path("archive/", archive, permission=Permission.VIEW, name="sample_archive"),
    workspace_path("delete/", delete, permission=Permission.VIEW, name="sample_delete"),
    workspace_path("restore/", restore, permission=Permission.VIEW, name="sample_restore"),
    workspace_path("undoable/", undoable, permission=Permission.VIEW, name="undoable"),
    workspace_path("admin-only/", sample, permission=Permission.MANAGE_WORKSPACE, name="only"),
    path("broken/", broken, name="broken"),
    path("preview/", preview, name="preview"),
    *config.urls.urlpatterns,
]
