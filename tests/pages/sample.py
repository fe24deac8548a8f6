"""URLs of a workspace with sample pages, for tests of the shell: the real ones and these."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

import config.urls
from accounts.access import workspace_path
from accounts.permissions import Permission
from contacts.models import List
from pages import csp, tables, toasts
from pages.views import bad_request, forbidden, not_found, server_error

handler400, handler403, handler404, handler500 = bad_request, forbidden, not_found, server_error


class SampleForm(forms.Form):
    email = forms.EmailField(label="Address", help_text="Where mail goes.")
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    size = forms.ChoiceField(choices=[("s", "Small"), ("l", "Large")], required=False)
    agree = forms.BooleanField(label="I agree")


def sample(request: HttpRequest) -> HttpResponse:
    form = SampleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        messages.success(request, "Saved.")
    page = tables.keyset(
        List.objects.filter(workspace=request.workspace),  # type: ignore[attr-defined]
        request,
        sorts={"name": "name"},
        size=2,
    )
    return render(request, "sample.html", {"form": form, "page": page})


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
    workspace_path("undoable/", undoable, permission=Permission.VIEW, name="undoable"),
    workspace_path("admin-only/", sample, permission=Permission.MANAGE_WORKSPACE, name="only"),
    path("broken/", broken, name="broken"),
    path("preview/", preview, name="preview"),
    *config.urls.urlpatterns,
]
