"""The one place where a request is tied to a workspace and a permission.

`workspace_path` registers every URL that belongs to a workspace; nothing else reaches one:

    workspace_path("contacts/<int:pk>/", contact, permission=Permission.VIEW, name="contact")

The view is called as `view(request, **kwargs)` with `request.workspace` and `request.membership`
set; views take objects from `get_in(request.workspace, Model, ...)`. An anonymous visitor is sent
to the log-in page. A person who isn't a member gets 404, the same as for a workspace that doesn't
exist. A member whose role lacks the permission gets 403.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from accounts import landing
from accounts.models import Membership, User, Workspace
from accounts.permissions import Permission, allows
from environment import logs

M = TypeVar("M", bound=Model)


class WorkspaceRequest(HttpRequest):
    """A request inside a workspace: what a view registered by `workspace_path` gets."""

    user: User
    workspace: Workspace
    membership: Membership
    htmx: bool
    may: Callable[[Permission], bool]


View = Callable[..., HttpResponseBase]


def workspace_path(route: str, view: View, *, permission: Permission, name: str) -> URLPattern:
    """A URL under /w/<slug>/ that only members whose role has `permission` reach."""

    @wraps(view)
    def inside(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(_page_of(request))
        membership = (
            Membership.objects.select_related("workspace")
            .filter(workspace__slug=slug, user_id=request.user.pk)
            .first()
        )
        if membership is None:
            raise Http404
        if not allows(membership.role, permission):
            raise PermissionDenied
        logs.bind(workspace=membership.workspace_id)
        here = cast("WorkspaceRequest", request)
        here.workspace = membership.workspace
        here.membership = membership
        here.may = partial(allows, membership.role)
        landing.remember(request, membership)
        return view(here, **kwargs)

    inside.permission = permission  # type: ignore[attr-defined]  # read by the access tests
    return path(f"w/<slug:slug>/{route}", inside, name=name)


def _page_of(request: HttpRequest) -> str:
    """What to open after the log-in: the page whose form was sent, if it wasn't a page itself. Most
    addresses of forms can't be opened."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    origin = f"{request.scheme}://{request.get_host()}"
    before, _origin, path = request.headers.get("Referer", "").partition(origin)
    return path if not before and path.startswith("/w/") else "/"


def get_in(workspace: Workspace, model: type[M], **where: Any) -> M:
    """The workspace's object. Raises Http404 if it doesn't exist, if it belongs to another
    workspace, or if the key is malformed, such as "abc" for a number."""
    try:
        return get_object_or_404(model, workspace=workspace, **where)
    except ValueError as error:
        raise Http404 from error
