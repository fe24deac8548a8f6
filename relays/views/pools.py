"""Pages of pools: relays that carry a mailing together."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from pages import overtaken
from relays.forms.pools import PoolForm
from relays.models import Pool
from relays.services import overview, pooloverview, usage
from relays.services import pools as service


def pool_page(request: WorkspaceRequest, pk: int) -> HttpResponse:
    pool = get_in(request.workspace, Pool, pk=pk)
    return render(request, "relays/pool.html", _now(pool))


def pool_now(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The live part of the page."""
    pool = get_in(request.workspace, Pool, pk=pk)
    return render(request, "relays/parts/pool_now.html", _now(pool))


def _now(pool: Pool) -> dict[str, Any]:
    now = pooloverview.of_pools([pool], overview.of(pooloverview.relays_of(pool)))[0]
    return {"pool": pool, "now": now, "live": usage.of_pool(pool)}


def new_pool(request: WorkspaceRequest) -> HttpResponseBase:
    form = PoolForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        pool = service.create(request.workspace, name=form.cleaned_data["name"], parts=form.parts())
        messages.success(request, _("The pool {pool} was created.").format(pool=pool.name))
        return redirect("pool", request.workspace.slug, pool.pk)
    return render(request, "relays/pool_form.html", {"form": form})


def edit_pool(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    pool = get_in(request.workspace, Pool, pk=pk)
    form = PoolForm(request.POST or None, workspace=request.workspace, pool=pool)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        service.change(pool, name=form.cleaned_data["name"], parts=form.parts())
        messages.success(request, _("Saved."))
        return redirect("pool", request.workspace.slug, pool.pk)
    return render(request, "relays/pool_form.html", {"form": form, "pool": pool})


@require_POST
def delete_pool(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    pool = get_in(request.workspace, Pool, pk=pk)
    try:
        service.delete(pool)
    except service.PoolInUseError:
        text = _("{pool} can't be deleted: mailings went through it, and their reports name it.")
        messages.error(request, text.format(pool=pool.name))
        return redirect("pool", request.workspace.slug, pool.pk)
    messages.success(request, _("The pool {pool} is deleted.").format(pool=pool.name))
    return redirect("relays", request.workspace.slug)
