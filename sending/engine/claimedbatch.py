"""A batch that this worker claimed: what of it waits, is on the wire, and has come to what."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from relays import providers
from relays.services import pace
from sending import guards
from sending.compose.composer import Composer
from sending.host.journal import Journal
from sending.models import Mailing
from sending.queries.claim import Claim, Claimed
from smtp import End, Outcome, Stage
from smtp.accepted import Accepted
from smtp.replies import Meaning

# The mail itself is refused, or can't be made or sent.
REFUSED = {End.REFUSED, End.NOT_COMPOSED, End.NEEDS_SMTPUTF8}


@dataclass(slots=True, eq=False)
class ClaimedBatch:
    mailing: Mailing
    relay_id: int
    claim: Claim
    reservation: pace.Reservation
    journal: Journal
    composer: Composer
    # Merge fields by contact id; of a stream, by message id.
    fields: dict[int, dict[str, Any]]
    # Messages that still wait or are on the wire.
    left: int
    by_message: bool = False
    claimed_at: float = field(default_factory=time.monotonic)
    # Outcomes that are not recorded yet: those accepted, and the others by message id.
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    accepted: Accepted = field(default_factory=Accepted)
    handed_over: int = 0
    recorded_at: float = field(default_factory=time.monotonic)
    # Its mailing was paused or cancelled, or its lease is lost: nothing more of it is begun.
    stopped: bool = False
    # It is somebody else's by now, or nobody's.
    lost: bool = False
    # Lanes that are held by now: nothing more of them is begun.
    shut: frozenset[str] = frozenset()
    # What was refused since the last look: in all, and by lane.
    refused: Counter[str] = field(default_factory=Counter)
    # How many of them came one after the other, and what was accepted by then.
    row: int = 0
    accepted_at_refusal: int = -1
    # Mails handed over since the last look whose answer was never seen.
    unseen: int = 0
    # A mail of it did not fit the relay (services.refusalscope).
    unfit_seen: bool = False
    # Those who left while they waited: {message id: code of pages.reasons}.
    gone: dict[int, str] = field(default_factory=dict)

    def fields_of(self, message: Claimed) -> dict[str, Any] | None:
        """None for a contact that is gone."""
        if self.by_message:
            return self.fields.get(message.id)
        return None if message.contact_id is None else self.fields.get(message.contact_id)

    @property
    def key(self) -> tuple[int, str]:
        return self.claim.batch_id, self.claim.holder

    @property
    def route(self) -> tuple[int, int]:
        """(mailing id, relay id)"""
        return self.mailing.pk, self.relay_id

    def take(self) -> tuple[dict[int, Outcome], Accepted]:
        """What is to be recorded now."""
        known = self.outcomes, self.accepted
        self.outcomes, self.accepted = {}, Accepted()
        self.refused.clear()
        self.row, self.accepted_at_refusal = 0, -1
        self.unseen = 0
        self.recorded_at = time.monotonic()
        return known

    def put_back(self, outcomes: dict[int, Outcome], accepted: Accepted) -> None:
        """They could not be recorded."""
        self.outcomes = outcomes | self.outcomes
        accepted.join(self.accepted)
        self.accepted = accepted

    def holds_back(self, message: Claimed) -> bool:
        """Whether nothing more is begun for the message."""
        if self.stopped or message.id in self.gone:
            return True
        return bool(self.shut) and lane_of(message) in self.shut

    def looks_bad(self, message: Claimed, outcome: Outcome) -> bool:
        """Takes an outcome that is none of those accepted. Whether so much was refused that it has
        to be judged before more of the batch goes: far fewer than a batch has, and the sums stand
        here. What is asked of the database then is in services.refusals."""
        if outcome.end is End.IN_DOUBT:
            self.unseen += 1
            return guards.worth_a_look(self.unseen, len(self.accepted))
        if outcome.end not in REFUSED or 200 <= outcome.code < 500:
            return False
        if self._of_mail(message, outcome):
            # Whoever it is for: the next one would be refused, too. Once a batch, as somebody may
            # have decided that such mails are skipped.
            first, self.unfit_seen = not self.unfit_seen, True
            if first:
                return True
        self.accepted.refuse(message.id)
        name = lane_of(message)
        self.refused[name] += 1
        if self._in_a_row():
            return True
        if guards.worth_a_look(self.refused.total(), len(self.accepted)):
            return True
        # Of a single domain nobody counts what was accepted: it is looked at.
        sums = self.accepted.lanes.get(message.lane) if message.lane else None
        return guards.worth_a_look(self.refused[name], int(sums[0]) if sums else 0)

    def _in_a_row(self) -> bool:
        """Whether the latest replies are nothing but refusals, however many were accepted
        before."""
        accepted = len(self.accepted)
        self.row = self.row + 1 if accepted == self.accepted_at_refusal else 1
        self.accepted_at_refusal = accepted
        return self.row >= guards.LOOK_AFTER

    @staticmethod
    def _of_mail(message: Claimed, outcome: Outcome) -> bool:
        if outcome.end is End.NEEDS_SMTPUTF8:
            return message.address.isascii()
        if outcome.verdict is None:
            return False
        return outcome.stage is Stage.MAIL or outcome.verdict.meaning is Meaning.TOO_LARGE


class QueuedMessage(NamedTuple):
    """A message in the queue; `at` is on the event loop's clock, when it may be handed over."""

    batch: ClaimedBatch
    message: Claimed
    at: float


def lane_of(message: Claimed) -> str:
    return providers.lane_name(message.lane, message.address)
