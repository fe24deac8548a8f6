"""A batch that this worker claimed: its waiting messages, those on the wire, and their outcomes."""

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
    # Merge fields by contact id; for a stream, by message id.
    fields: dict[int, dict[str, Any]]
    # Messages that still wait or are on the wire.
    left: int
    by_message: bool = False
    claimed_at: float = field(default_factory=time.monotonic)
    # Outcomes that are not recorded yet: those not accepted, by message id, and the accepted ones.
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    accepted: Accepted = field(default_factory=Accepted)
    handed_over: int = 0
    recorded_at: float = field(default_factory=time.monotonic)
    # Its mailing was paused or cancelled, or its lease is lost: no more of its messages are begun.
    stopped: bool = False
    # The lease was lost: another worker holds the batch, or it was settled.
    lost: bool = False
    # Lanes that are held: no more of their messages are begun.
    shut: frozenset[str] = frozenset()
    # Refusals since the last record, by lane.
    refused: Counter[str] = field(default_factory=Counter)
    # How many of them followed each other, and how many mails were accepted before the last one.
    row: int = 0
    accepted_at_refusal: int = -1
    # Mails handed over since the last record whose answer was never seen.
    unseen: int = 0
    # A mail of it did not fit the relay (services.refusalscope).
    unfit_seen: bool = False
    # Messages whose recipients left while they waited: {message id: code of pages.reasons}.
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
        """Returns the outcomes to record now, and begins new counts."""
        known = self.outcomes, self.accepted
        self.outcomes, self.accepted = {}, Accepted()
        self.refused.clear()
        self.row, self.accepted_at_refusal = 0, -1
        self.unseen = 0
        self.recorded_at = time.monotonic()
        return known

    def put_back(self, outcomes: dict[int, Outcome], accepted: Accepted) -> None:
        """Takes outcomes back that could not be recorded."""
        self.outcomes = outcomes | self.outcomes
        accepted.join(self.accepted)
        self.accepted = accepted

    def holds_back(self, message: Claimed) -> bool:
        """Whether the message must not be begun any more."""
        if self.stopped or message.id in self.gone:
            return True
        return bool(self.shut) and lane_of(message) in self.shut

    def looks_bad(self, message: Claimed, outcome: Outcome) -> bool:
        """Counts an outcome that is not accepted. True: so many were refused that the batch must be
        recorded and judged before more of it goes. The limits are far below the size of a batch,
        and are checked here without the database; services.refusals judges."""
        if outcome.end is End.IN_DOUBT:
            self.unseen += 1
            return guards.worth_a_look(self.unseen, len(self.accepted))
        if outcome.end not in REFUSED or 200 <= outcome.code < 500:
            return False
        if self._of_mail(message, outcome):
            # The refusal is about the mail, not the recipient: the next one would be refused, too.
            # Once for each batch, because a person may have decided that such mails are skipped.
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
        # Accepted mails of single domains are not counted here: they are taken as none.
        sums = self.accepted.lanes.get(message.lane) if message.lane else None
        return guards.worth_a_look(self.refused[name], int(sums[0]) if sums else 0)

    def _in_a_row(self) -> bool:
        """Whether the latest replies are all refusals, no matter how many were accepted before."""
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
    """A message in the queue. `at`: when it may be handed over, on the event loop's clock."""

    batch: ClaimedBatch
    message: Claimed
    at: float


def lane_of(message: Claimed) -> str:
    return providers.lane_name(message.lane, message.address)
