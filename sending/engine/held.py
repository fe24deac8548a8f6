"""A batch in this worker's hands: what of it waits, is on the wire, and has come to what."""

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sending import pace
from sending.compose import Composer
from sending.journal import Journal
from sending.models import Mailing
from sending.queries.claim import Claim, Claimed
from sending.queries.record import Taken
from sending.smtp import Outcome


@dataclass(slots=True, eq=False)
class Held:
    mailing: Mailing
    claim: Claim
    grant: pace.Grant
    journal: Journal
    composer: Composer
    # Merge fields by contact id.
    fields: dict[int, dict[str, Any]]
    # Messages that still wait or are on the wire.
    left: int
    claimed_at: float = field(default_factory=time.monotonic)
    # Outcomes that are not recorded yet: those taken, and the others by message id.
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    taken: Taken = field(default_factory=Taken)
    handed_over: int = 0
    recorded_at: float = field(default_factory=time.monotonic)
    # Its mailing was paused or cancelled, or its lease is lost: nothing more of it is begun.
    stopped: bool = False
    # Those who left while they waited: {message id: code of sending.reasons}.
    gone: dict[int, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, str]:
        return self.claim.batch_id, self.claim.holder

    def take(self) -> tuple[dict[int, Outcome], Taken]:
        """What is to be recorded now."""
        known = self.outcomes, self.taken
        self.outcomes, self.taken = {}, Taken()
        self.recorded_at = time.monotonic()
        return known

    def put_back(self, outcomes: dict[int, Outcome], taken: Taken) -> None:
        """They could not be recorded."""
        self.outcomes = outcomes | self.outcomes
        self.taken.join(taken)


class Waiting(NamedTuple):
    """A message in the queue; `at` is on the event loop's clock, when it may be handed over."""

    held: Held
    message: Claimed
    at: float
