"""The registries of the home page: first steps, and problems that need a person.

    @todo.steps.under("import", order=10)
    def import_people(request): return todo.Step(_("Import contacts"), _("..."), done=..., url=...)

    @todo.needs.add
    def relays(request): return [todo.Need(_("Relay SES is stopped"), words=reason, url=url)]

The home app registers entries for all apps to its left. Apps to its right register theirs in
modules `steps` and `needs`. Each entry makes one or two quick queries: the page answers in 200 ms.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from accounts.access import WorkspaceRequest
from pages import navigation
from pages.registry import Registry

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Offer:
    """A button that does the step at once."""

    label: Text
    # Why to use it.
    text: Text
    # The URL that the button posts to.
    url: str


@dataclass(frozen=True, slots=True)
class FirstStep:
    title: Text
    # One sentence about the benefit.
    text: Text
    done: bool
    # The page of the step; "" if it doesn't exist or the role may not open it.
    url: str = ""
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A problem that stays until a person acts."""

    title: Text
    # What to do, or why.
    detail: Text = ""
    # A server's own words.
    words: str = ""
    url: str = ""
    icon: str = "alert-triangle"
    # A role of pages.statuses: bad, warn, info.
    tone: str = "warn"

    @property
    def css(self) -> str:
        return f"tone-{self.tone}"


StepMaker = Callable[[WorkspaceRequest], FirstStep]
NeedsProvider = Callable[[WorkspaceRequest], Iterable[Need]]
steps: Registry[StepMaker] = Registry()
needs: Registry[NeedsProvider] = Registry()


def first_steps(request: WorkspaceRequest) -> list[FirstStep]:
    return [make(request) for make in steps]


def needed(request: WorkspaceRequest) -> list[Need]:
    """The problems of all providers; those with tone "bad" first."""
    found = [need for known in needs for need in known(request)]
    return sorted(found, key=lambda need: need.tone != "bad")


def url(request: WorkspaceRequest, name: str, *args: object) -> str:
    """The workspace URL of that name; "" if it doesn't exist or the role may not open it."""
    try:
        found = reverse(name, args=[request.workspace.slug, *args])
    except NoReverseMatch:
        return ""
    return found if navigation.allowed(request, found) else ""
