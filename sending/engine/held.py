"""A batch in this worker's hands: what of it waits, is on the wire, and has come to what."""

import time
from dataclasses import dataclass, field
from typing import Any

from sending import pace
from sending.compose import Composer
from sending.journal import Journal
from sending.models import Mailing
from sending.queries.claim import Claim, Claimed
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
    # Outcomes that are not recorded yet, by message id, and how many there ever were.
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    handed_over: int = 0
    recorded_at: float = field(default_factory=time.monotonic)
    # When the first outcome since then came.
    began_at: float = 0.0
    # Its mailing was paused or cancelled, or its lease is lost: nothing more of it is begun.
    stopped: bool = False
    # Those who left while they waited: {message id: code of sending.reasons}.
    gone: dict[int, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, str]:
        return self.claim.batch_id, self.claim.holder

    def take(self) -> dict[int, Outcome]:
        """The outcomes to record now."""
        taken, self.outcomes = self.outcomes, {}
        self.recorded_at = time.monotonic()
        return taken


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the queue; `at` is on the event loop's clock, when it may be handed over."""

    held: Held
    message: Claimed
    at: float
