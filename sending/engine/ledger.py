"""An agent's work with the database, in the database's thread: claim, record, watch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import Error

from contacts.queries.mergefields import merge_fields
from environment import logs
from relays.models import Relay
from relays.services import health, lanes, minutes, pace
from sending.compose.composer import Composer
from sending.engine.claimedbatch import ClaimedBatch
from sending.host.journal import Journal
from sending.host.trouble import HostTroubleError
from sending.models import Mailing, Message
from sending.queries import batches
from sending.queries.carrying import mailings_for
from sending.queries.claim import Claimed, claim, renew
from sending.queries.record import Result, record
from sending.services import fence, holds, mailings, refusals, reservations, streams
from sending.services.outcomes import settle
from sending.services.refusalscope import reply_of
from smtp import End, Outcome
from smtp.accepted import Accepted

log = logs.get(__name__)

WAITING = Message.State.WAITING
# A code of pages.reasons.
NOT_PREPARED = "not_prepared"
# The most composers that an agent keeps; each holds compiled contents.
COMPOSERS = 32


@dataclass(slots=True)
class Ledger:
    """The ledger as one relay's agent sees it."""

    relay: Relay
    # Mailings still to be asked for a batch in this round.
    round: list[Mailing] = field(default_factory=list)
    composers: dict[tuple[int, str, str], Composer] = field(default_factory=dict)

    def claim(self, size: int) -> ClaimedBatch | None:
        """A batch of about `size` messages; None: nothing is due, or it has to wait."""
        self.relay.refresh_from_db()
        if not health.ready(self.relay):
            return None
        # The rest of this round, then a new one: each mailing gets its turn in each round.
        for fresh in (False, True):
            if fresh:
                self.round = mailings_for(self.relay)
            while self.round:
                mailing = self.round.pop(0)
                with logs.context(**self._named(mailing)):
                    if batch := self._claim_of(mailing, size):
                        return batch
        return None

    def _named(self, mailing: Mailing) -> dict[str, int]:
        """Fields for log lines about a batch."""
        return {"relay": self.relay.pk, "mailing": mailing.pk, "workspace": mailing.workspace_id}

    def _claim_of(self, mailing: Mailing, size: int) -> ClaimedBatch | None:
        if not self._is_prepared(mailing):
            return None
        try:
            passage = fence.enter()
        except OSError as error:
            raise HostTroubleError.of(error) from error
        if passage is None:
            self.round.clear()
            return None
        reservation = reservations.reserve(self.relay, mailing, size)
        if isinstance(reservation, pace.Wait):
            if reservation.of_relay:
                self.round.clear()
            return None
        try:
            journal = Journal(passage.about(mailing))
        except OSError as error:
            pace.give_back(self.relay, reservation, reservation.count)
            raise HostTroubleError.of(error) from error
        try:
            batch = self._claim_batch(mailing, reservation, journal)
        except BaseException:
            journal.abandon()
            raise
        if batch is None:
            journal.done()
            pace.give_back(self.relay, reservation, reservation.count)
            return None
        passage.passed()
        return batch

    def _is_prepared(self, mailing: Mailing) -> bool:
        """Whether its mails can be made. If not, the mailing is paused with the reason: another try
        would fail, too, a person has to look, and other mailings of the relay go on."""
        try:
            self._composer(mailing)
        except Error:
            raise
        except Exception as error:
            log.exception("mailing could not be prepared", mailing=mailing.pk)
            words = str(error) or type(error).__name__
            mailings.pause(mailing, NOT_PREPARED, words)
            return False
        return True

    def _claim_batch(
        self, mailing: Mailing, reservation: pace.Reservation, journal: Journal
    ) -> ClaimedBatch | None:
        held = holds.held(mailing, self.relay)
        quotas = lanes.quotas(self.relay)
        claimed = claim(
            mailing,
            self.relay,
            holder=journal.holder,
            limit=reservation.count,
            quotas=holds.quotas(quotas, held) if held.until else quotas,
            others=mailing.pool_id is not None,
        )
        if claimed is None:
            return None
        allowed, kept = held.split(claimed.messages) if held else (claimed.messages, [])
        admitted, deferred = lanes.admit(self.relay, allowed, again=claimed.again)
        if deferred or kept:
            put_off = [
                Result(one.message.id, WAITING, one.reason, due_at=one.until, attempt=False)
                for one in deferred
            ]
            put_off += holds.results(mailing, self.relay, held, kept)
            record(claimed, put_off, ends=False)
        stream = mailing.kind == Mailing.Kind.STREAM
        fields = (streams.fields if stream else _fields)(mailing, admitted)
        return ClaimedBatch(
            mailing=mailing,
            relay_id=self.relay.pk,
            claim=replace(claimed, messages=tuple(admitted)),
            reservation=pace.trim(self.relay, reservation, len(admitted)),
            journal=journal,
            composer=self._composer(mailing),
            fields=fields,
            left=len(admitted),
            by_message=stream,
            shut=frozenset({*held.until, *held.dropped}),
        )

    def _composer(self, mailing: Mailing) -> Composer:
        key = (mailing.pk, self.relay.envelope, self.relay.bounce_address)
        if key not in self.composers:
            while len(self.composers) >= COMPOSERS:
                self.composers.pop(next(iter(self.composers)))
            self.composers[key] = Composer(mailing, self.relay)
        return self.composers[key]

    def record(
        self,
        batch: ClaimedBatch,
        outcomes: dict[int, Outcome],
        accepted: Accepted,
        *,
        seconds: float,
        ends: bool,
    ) -> None:
        """Records the outcomes of a batch and updates the state of relay and lanes. `seconds`: the
        time in which these outcomes came."""
        mailing, relay = batch.mailing, self.relay
        with logs.context(**self._named(mailing)):
            settle(batch.claim, mailing, relay, outcomes, accepted, gone=batch.gone, ends=ends)
            unseen = [one for one in outcomes.values() if one.end is End.IN_DOUBT]
            if unseen:
                refusals.count_unseen(mailing, relay, reply_of(unseen[-1]))
            if ends:
                batch.journal.done()
            if outcomes or accepted:
                health.learn(relay, outcomes.values(), None, works=bool(accepted))
                lanes.learn(relay, batch.claim.messages, outcomes, accepted, seconds=seconds)
                minutes.record(relay, _by_meaning(outcomes.values(), accepted))
            if ends:
                reserved = batch.reservation
                pace.give_back(relay, reserved, reserved.count - batch.handed_over)


def _fields(mailing: Mailing, claimed: Sequence[Claimed]) -> dict[int, dict[str, Any]]:
    return merge_fields(
        mailing.workspace_id, [one.contact_id for one in claimed if one.contact_id is not None]
    )


def _by_meaning(outcomes: Iterable[Outcome], accepted: Accepted) -> dict[str, tuple[int, float]]:
    """{meaning: (messages, seconds from content to reply)} for messages that reached the relay."""
    found: dict[str, tuple[int, float]] = {}
    if accepted:
        found["accepted"] = len(accepted), sum(accepted.seconds)
    for one in outcomes:
        if one.end is End.IN_DOUBT:
            name = "unknown"
        elif one.verdict is not None:
            name = str(one.verdict.meaning)
        else:
            continue
        count, seconds = found.get(name, (0, 0.0))
        found[name] = (count + 1, seconds + one.seconds)
    return found


def watch(claimed: Sequence[ClaimedBatch]) -> None:
    """Renews the leases of batches. Stops batches that were lost or whose mailing or relay was
    stopped, and notes their held lanes."""
    if not claimed:
        return
    keys = [batch.key for batch in claimed]
    renew(keys)
    states = batches.going_on(keys)
    shut = holds.held_lanes(batch.route for batch in claimed)
    for batch in claimed:
        batch.lost = batch.claim.batch_id not in states
        batch.stopped = batch.stopped or not states.get(batch.claim.batch_id, False)
        batch.shut = shut[batch.route]
