"""What goes through relays: apps to the right say how much of theirs uses one, and hear when one is
paused or resumed."""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.access import WorkspaceRequest
from pages.registry import Registry
from relays.models import Pool, Relay


@dataclass(frozen=True, slots=True)
class Use:
    """One kind of use. Numbers are of what is not finished (live mailings)."""

    # What may go through the relay now; of a relay that is drained, what it still ends.
    live: Callable[[Relay], int]
    # What names the relay, by itself or in a pool.
    unfinished: Callable[[Relay], int]
    of_pool: Callable[[Pool], int]
    paused: Callable[[Relay], object]
    # Within the transaction that resumes it.
    resumed: Callable[[Relay], object]


@dataclass(frozen=True, slots=True)
class Panel:
    """A card on a relay's page; `context`: what its template shows, under names of its own."""

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
