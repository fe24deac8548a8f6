"""The sidebar: a registry that apps fill in their module `navigation`.

    navigation.register("contacts", navigation.NavigationEntry("people", _("Contacts"), "users",
    "contacts"))

The sidebar shows an entry only if its URL exists and the person's role may open it. The permission
is that of the URL (`view.permission`, see accounts.access).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from pages.registry import Registry

Text = str | Promise


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    key: str
    label: Text
    icon: str
    url_name: str
    order: int = 50
    # Names of further URLs that belong to the entry, though their paths don't begin with its path.
    also: tuple[str, ...] = ()


@dataclass(slots=True)
class NavigationSection:
    """A group of the sidebar; without a label its entries stand alone."""

    key: str
    label: Text = ""
    entries: Registry[NavigationEntry] = field(
        default_factory=lambda: Registry(key=attrgetter("key"))
    )


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """An entry as one page shows it."""

    key: str
    label: Text
    icon: str
    url: str
    active: bool


SECTIONS: dict[str, NavigationSection] = {
    section.key: section
    for section in (
        NavigationSection("home"),
        NavigationSection("contacts", pgettext_lazy("menu", "Contacts")),
        NavigationSection("mail", pgettext_lazy("menu", "Mail")),
        NavigationSection("sending", pgettext_lazy("menu", "Sending")),
        NavigationSection("settings", pgettext_lazy("menu", "Workspace")),
    )
}


def register(section: str, *entries: NavigationEntry) -> None:
    for entry in entries:
        SECTIONS[section].entries.add(entry, order=entry.order)


@lru_cache(4096)
def _permission(url: str, _urlconf: str) -> Any:
    """That of its view, or None; remembered, because each page asks for all entries. Raises
    Resolver404."""
    return getattr(resolve(url).func, "permission", None)


def allowed(request: HttpRequest, url: str) -> bool:
    """Whether the person may open this workspace URL."""
    try:
        permission = _permission(url, settings.ROOT_URLCONF)
    except Resolver404:
        return False
    may = getattr(request, "may", None)
    return permission is None or may is None or bool(may(permission))


def url_if_allowed(request: HttpRequest, url_name: str, slug: str) -> str:
    """The workspace URL of that name, "" when it doesn't exist or the person may not open it."""
    try:
        url = reverse(url_name, args=[slug])
    except NoReverseMatch:
        return ""
    return url if allowed(request, url) else ""


def _reachable(request: HttpRequest, slug: str) -> Iterator[tuple[str, NavigationEntry, str]]:
    for section in SECTIONS.values():
        for entry in section.entries:
            if url := url_if_allowed(request, entry.url_name, slug):
                yield section.key, entry, url


def _active_url(request: HttpRequest, entries: list[tuple[str, NavigationEntry, str]]) -> str:
    """The URL of the entry that this page belongs to: by its URL name, else by the longest path
    that the page's path begins with."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    for _section, entry, url in entries:
        if name in (entry.url_name, *entry.also):
            return url
    under = [url for _s, entry, url in entries if request.path.startswith(url)]
    return max(under, key=len, default="")


def sections(request: HttpRequest, slug: str) -> list[tuple[Text, list[NavigationItem]]]:
    """The sections of the sidebar, [(label, items)], without empty ones."""
    entries = list(_reachable(request, slug))
    active = _active_url(request, entries)
    shown: dict[str, list[NavigationItem]] = {}
    for section, entry, url in entries:
        item = NavigationItem(entry.key, entry.label, entry.icon, url, url == active)
        shown.setdefault(section, []).append(item)
    return [(SECTIONS[key].label, items) for key, items in shown.items()]
