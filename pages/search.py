"""The search (Ctrl-K). Apps register a contributor in their module `search`.

    @search.contributors.add
    def contacts(request, text): return [search.SearchHit(_("Person"), contact.email, url, "user")]

A contributor takes the request (`request.workspace`) and the typed text, stripped. The text has at
least two characters, or one that isn't ASCII: a single hanzi can be a name. The contributor returns
at most `LIMIT` hits, in well under 100 ms.
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
class SearchHit:
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


Contributor = Callable[[HttpRequest, str], Iterable[SearchHit]]
contributors: Registry[Contributor] = Registry()
actions: Registry[Action] = Registry(key=attrgetter("url_name"))


def places(request: HttpRequest, slug: str) -> list[SearchHit]:
    """Every page of the sidebar and every registered action that the person may open."""
    hits = [
        SearchHit(label, item.label, item.url, item.icon)
        for label, items in navigation.sections(request, slug)
        for item in items
    ]
    hits.extend(
        SearchHit("", known.title, url, known.icon)
        for known in actions
        if (url := navigation.url_if_allowed(request, known.url_name, slug))
    )
    return hits


def find(request: HttpRequest, slug: str, text: str) -> list[SearchHit]:
    """Pages and actions whose words contain the text, then what the contributors find."""
    wanted = text.strip().casefold()
    hits = [hit for hit in places(request, slug) if wanted in str(hit.title).casefold()]
    if len(wanted) >= 2 or not wanted.isascii():
        for known in contributors:
            hits.extend(list(known(request, text.strip()))[:LIMIT])
    return hits
