"""Pools: relays that carry a mailing together."""

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from sending.forms.pools import PoolForm
from sending.models import Pool
from sending.services import pools as service


def new_pool(request: WorkspaceRequest) -> HttpResponseBase:
    form = PoolForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        pool = service.create(request.workspace, **form.cleaned_data)
        messages.success(request, _("The pool {pool} is there.").format(pool=pool.name))
        return redirect("relays", request.workspace.slug)
    return render(request, "sending/pool_form.html", {"form": form})


def edit_pool(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    pool = get_in(request.workspace, Pool, pk=pk)
    form = PoolForm(request.POST or None, workspace=request.workspace, pool=pool)
    if request.method == "POST" and form.is_valid():
        service.change(pool, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("relays", request.workspace.slug)
    return render(request, "sending/pool_form.html", {"form": form, "pool": pool})


@require_POST
def delete_pool(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    pool = get_in(request.workspace, Pool, pk=pk)
    try:
        service.delete(pool)
    except service.PoolInUseError:
        text = _("{pool} can't be deleted: mailings went through it, and their reports name it.")
        messages.error(request, text.format(pool=pool.name))
        return redirect("edit_pool", request.workspace.slug, pool.pk)
    messages.success(request, _("The pool {pool} is deleted.").format(pool=pool.name))
    return redirect("relays", request.workspace.slug)
