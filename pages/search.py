"""The search (Ctrl-K) for pages, actions and data. Apps register a provider in their module
`search`.

    @search.providers.add
    def contacts(request, text): return [search.Hit(_("Person"), contact.email, url, "user")]

A provider takes the request (`request.workspace`) and the typed text, stripped. The text has at
least two characters, or one that isn't ASCII: a single hanzi can be a name. The provider returns at
most `LIMIT` hits, in well under 100 ms.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from django.http import HttpRequest
from django.utils.functional import Promise

from pages import navigation
from pages.registry import Registry

LIMIT = 6


@dataclass(frozen=True, slots=True)
class Hit:
    # The kind of object ("Person", "Campaign"), shown beside the title.
    kind: str | Promise
    title: str | Promise
    url: str
    icon: str = "arrow-right"
    detail: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Action:
    """An action that the search finds by its title: "New campaign"."""

    title: str | Promise
    icon: str
    url_name: str


Provider = Callable[[HttpRequest, str], Iterable[Hit]]
providers: Registry[Provider] = Registry()
actions: Registry[Action] = Registry(key=attrgetter("url_name"))


def places(request: HttpRequest, slug: str) -> list[Hit]:
    """Every page of the sidebar and every registered action that the person may open."""
    hits = [
        Hit(label, item.label, item.url, item.icon)
        for label, items in navigation.sections(request, slug)
        for item in items
    ]
    hits.extend(
        Hit("", known.title, url, known.icon)
        for known in actions
        if (url := navigation.url_if_allowed(request, known.url_name, slug))
    )
    return hits


def find(request: HttpRequest, slug: str, text: str) -> list[Hit]:
    """Pages and actions whose titles contain the text, then the hits of the providers."""
    wanted = text.strip().casefold()
    hits = [hit for hit in places(request, slug) if wanted in str(hit.title).casefold()]
    if len(wanted) >= 2 or not wanted.isascii():
        for known in providers:
            hits.extend(list(known(request, text.strip()))[:LIMIT])
    return hits
