"""The page that a person sees first after the log-in."""

from functools import partial

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Membership, User
from accounts.permissions import allows
from pages import navigation

# Key of the session: the workspace last used.
LAST = "workspace"


def remember(request: HttpRequest, membership: Membership) -> None:
    """Stores this page's workspace as the one last used. Requests for parts of pages don't
    count."""
    if getattr(request, "htmx", False) or request.method != "GET":
        return
    if request.session.get(LAST) != membership.workspace_id:
        request.session[LAST] = membership.workspace_id


def membership_for(request: HttpRequest, user: User) -> Membership | None:
    """The membership of the workspace last used, if it still exists; else the first by name."""
    own = list(Membership.objects.filter(user=user).select_related("workspace"))
    last = request.session.get(LAST)
    own.sort(key=lambda m: (m.workspace_id != last, m.workspace.name.casefold()))
    return own[0] if own else None


def home_of(request: HttpRequest, membership: Membership) -> str:
    """The URL of the workspace's home, or of its first page that exists and the role may open."""
    slug = membership.workspace.slug
    request.may = partial(allows, membership.role)  # type: ignore[attr-defined]
    if url := navigation.url_if_allowed(request, "home", slug):
        return url
    sections = navigation.sections(request, slug)
    items = [item for _label, entries in sections for item in entries]
    return items[0].url if items else reverse("members", args=[slug])
