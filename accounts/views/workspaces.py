"""Pages to create, configure and delete workspaces."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts import landing
from accounts.access import WorkspaceRequest
from accounts.forms import DeleteWorkspaceForm, NewWorkspaceForm, WorkspaceForm
from accounts.models import Membership, User
from accounts.services import workspaces
from accounts.tasks import erase_workspace
from pages import activity, overtaken


@login_required
def new_workspace(request: HttpRequest) -> HttpResponseBase:
    user = cast("User", request.user)
    if not user.can_create_workspaces:
        raise PermissionDenied
    form = NewWorkspaceForm(request.POST or None, initial={"timezone": user.timezone})
    if request.method == "POST" and form.is_valid():
        workspace = workspaces.create(owner=user, **form.cleaned_data)
        messages.success(request, _("{workspace} was created.").format(workspace=workspace.name))
        membership = Membership.objects.select_related("workspace").get(
            workspace=workspace, user=user
        )
        return redirect(landing.home_of(request, membership))
    return render(request, "accounts/new_workspace.html", {"form": form})


def workspace_settings(request: WorkspaceRequest) -> HttpResponseBase:
    form = WorkspaceForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        try:
            workspaces.change(request.workspace, **form.cleaned_data)
        except IntegrityError:  # taken by a request at the same moment
            request.workspace.refresh_from_db()
            form.add_error("slug", _("Another workspace has this short name."))
        else:
            messages.success(request, _("Saved."))
            return redirect("workspace_settings", request.workspace.slug)
    return render(request, "accounts/workspace_settings.html", {"form": form})


def delete_workspace(request: WorkspaceRequest) -> HttpResponseBase:
    workspace = request.workspace
    running = [task for task in activity.tasks(request) if task.runs]
    form = DeleteWorkspaceForm(request.POST or None, workspace=workspace)
    if request.method == "POST" and not running and form.is_valid():
        workspaces.delete(workspace)
        # Robust: without a broker, beat's sweep erases it later.
        transaction.on_commit(lambda: erase_workspace.delay(workspace.pk), robust=True)
        messages.success(request, _("{workspace} is deleted.").format(workspace=workspace.name))
        return redirect("start")
    context = {"form": form, "running": running, "holds": workspaces.holds(workspace)}
    return render(request, "accounts/delete_workspace.html", context)
