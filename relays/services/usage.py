"""The use of relays: apps to the right report how many of their mailings use a relay, and are
called when it is paused or resumed."""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.access import WorkspaceRequest
from pages.registry import Registry
from relays.models import Pool, Relay


@dataclass(frozen=True, slots=True)
class Use:
    """One kind of use. The functions count unfinished uses, such as live mailings."""

    # Mailings that may go through the relay now; for a draining relay, those that it still ends.
    live: Callable[[Relay], int]
    # Mailings that name the relay, directly or through a pool.
    unfinished: Callable[[Relay], int]
    of_pool: Callable[[Pool], int]
    paused: Callable[[Relay], object]
    # Within the transaction that resumes it.
    resumed: Callable[[Relay], object]


@dataclass(frozen=True, slots=True)
class Panel:
    """A card on a relay's page. `context`: the variables of its template, with unique names."""

    template: str
    context: Callable[[WorkspaceRequest, Relay], dict[str, object]]


uses: Registry[Use] = Registry()
panels: Registry[Panel] = Registry()


def live(relay: Relay) -> int:
    return sum(use.live(relay) for use in uses)


def unfinished(relay: Relay) -> int:
    return sum(use.unfinished(relay) for use in uses)


def of_pool(pool: Pool) -> int:
    return sum(use.of_pool(pool) for use in uses)
