"""Delivers due messages over one relay: claims ahead, keeps connections busy, records in sets.

All of it runs in one event loop; the numbers and queues here need no lock. A message is in exactly
one place: in `ready`, with an exchange, or with its outcome in its batch.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from itertools import zip_longest

from environment import logs
from relays.models import Relay
from relays.queries import clock
from relays.services import health, pace
from relays.services.relays import server_of
from sending.engine.claimedbatch import ClaimedBatch, QueuedMessage, lane_of
from sending.engine.connections import Connections
from sending.engine.database import Database
from sending.engine.ledger import Ledger, watch
from sending.host.trouble import HostTroubleError
from sending.queries.claim import Claimed, left_since
from smtp import End, MailObject, Mode, Outcome, WithdrawnError

log = logs.get(__name__)

# A batch is meant to take this long, in seconds: what left the database's hands is out soon, and a
# pause, an unsubscribe or a lower limit is soon felt.
BATCH_SECONDS = 0.7
SMALLEST_BATCH, FIRST_BATCH, LARGEST_BATCH = 10, 200, 5000
# Its size is measured anew after so many seconds; sooner while batches are gone before. It grows up
# to so many times at once.
MEASURE, MEASURE_SOON = 0.3, 0.05
GROWTH = 8
# Outcomes are recorded after this long, in seconds, though others of their batch are still out.
RECORD_AFTER = 2.0
# A batch older than this is asked again, each time, who of it left meanwhile.
STALE = 2.0
# Seconds between two looks for work while nothing is due.
LOOK = 0.3
# So long after its leases were renewed an agent begins nothing more, in seconds: they end after 60
# (queries.claim) and 30 (slots).
SAFE = 25.0
# After this many seconds what still hangs on the wire is cut off when the worker has to stop: it
# has ten.
GRACE = 8.0


class DeliveryAgent:
    """Serves one relay from one slot: an SMTP client that delivers its due messages. `run` returns
    when nothing was due for `linger` seconds, the relay can't be reached, or it is told to stop."""

    def __init__(
        self, relay: Relay, slot: pace.Slot, holder: str, database: Database, linger: float
    ) -> None:
        self.relay = relay
        self.slot = slot
        self.holder = holder
        self.database = database
        self.linger = linger
        self.ledger = Ledger(relay)
        self.loop = asyncio.get_running_loop()
        self.ready: deque[QueuedMessage] = deque()
        self.batches: set[ClaimedBatch] = set()
        # What is with an exchange: {message id: (its batch, itself)}.
        self.where: dict[int, tuple[ClaimedBatch, Claimed]] = {}
        # Mailings of which the relay took something of this agent's.
        self.proven: set[int] = set()
        # Batches in which so much was refused that nothing more goes until that was judged.
        self.judging: set[ClaimedBatch] = set()
        self.size = FIRST_BATCH
        # Messages that came to an outcome: how fast it goes.
        self.count = 0
        self.mark = (0, self.loop.time())
        # Since then the queue was empty at some moment.
        self.dry = True
        # When a reply was read, or none was owed, on the loop's clock.
        self.heard = self.loop.time()
        # Its leases were renewed, and hold until then by its own clock.
        self.safe_until = clock.steady() + SAFE
        self.stopped = False
        # What keeps this host from working.
        self.trouble: HostTroubleError | None = None
        self.flushing = False
        self.changed = asyncio.Event()
        self.connections = Connections(
            source=self,
            server=server_of(relay),
            most=slot.connections,
            messages_each=health.messages_each(relay),
            messages_given=relay.messages_per_connection is not None,
            mode=Mode(relay.exchange or Mode.PIPELINED),
            chunking=relay.chunking,
            ended=self.changed.set,
            due_in=self._due_in,
        )

    # -- a source for exchanges (smtp.MailSupply) ------------------------------------------

    def next(self) -> MailObject | None:
        if self.ready and self._overslept():
            self.stop()
        while self.ready and not self.stopped:
            if self.judging:
                self.changed.set()
                return None
            waiting = self.ready[0]
            batch, message = waiting.batch, waiting.message
            if batch.holds_back(message):
                self.ready.popleft()
                self._one_less(batch)
                continue
            if waiting.at and waiting.at > self.loop.time():
                self.loop.call_soon(self.connections.pump)
                return None
            self.ready.popleft()
            if len(self.ready) == self.size:
                self.changed.set()
            mail = batch.composer.compose(message, batch.fields_of(message))
            if isinstance(mail, MailObject):
                self.where[message.id] = batch, message
                return mail
            self._came_to(batch, message, mail)
        self.dry = self.dry or not self.ready
        self.changed.set()
        return None

    def handing_over(self, mail: MailObject) -> None:
        if self._overslept():
            self.stop()
            raise WithdrawnError("the worker stood still for too long")
        batch, _message = self.where[mail.key]
        if batch.lost:
            # Its commands were said before; others may have claimed it by now.
            self.stop()
            raise WithdrawnError("the batch was lost")
        try:
            batch.journal.hand_over(mail.key)
        except OSError as error:
            self._give_up(HostTroubleError.of(error))
            raise WithdrawnError(str(error)) from error

    def _give_up(self, trouble: HostTroubleError) -> None:
        """This host can't work: nothing of that is the relay's, or any message's."""
        self.trouble = self.trouble or trouble
        self.connections.closing = True
        self.stop()

    def _overslept(self) -> bool:
        """It stood still, or its database did: others may have claimed by now what it thinks is
        its."""
        return clock.steady() > self.safe_until

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        batch, message = self.where.pop(mail.key)
        if outcome.end is End.NEXT_CONNECTION:
            # It waits for nothing: the next connection that is free takes it.
            self.ready.appendleft(QueuedMessage(batch, message, 0.0))
            return
        if outcome.end is End.NOT_HANDED_OVER and (batch.lost or self.trouble is not None):
            # Given back with its batch.
            self._one_less(batch)
            return
        if outcome.end is End.ACCEPTED or outcome.end is End.REFUSED:
            self.heard = self.loop.time()
            if not self.flushing:
                self.flushing = True
                self.loop.call_soon(self._flush)
            batch.journal.reply(mail.key, outcome.code, outcome.stage, outcome.words)
            self.connections.answered()
        if outcome.end is End.ACCEPTED:
            batch.handed_over += 1
            reply = f"{outcome.code} {outcome.words}"
            batch.accepted.add(mail.key, message.lane, reply, outcome.seconds)
            self.count += 1
            self._one_less(batch)
            return
        if outcome.end is End.REFUSED or outcome.end is End.IN_DOUBT:
            batch.handed_over += 1
        self._came_to(batch, message, outcome)

    def _flush(self) -> None:
        """Replies that no next content took along."""
        self.flushing = False
        try:
            for batch in self.batches:
                batch.journal.flush()
        except OSError as error:
            self._give_up(HostTroubleError.of(error))

    def _came_to(self, batch: ClaimedBatch, message: Claimed, outcome: Outcome) -> None:
        batch.outcomes[message.id] = outcome
        self.count += 1
        if batch.looks_bad(message, outcome):
            self.judging.add(batch)
            self.changed.set()
        self._one_less(batch)

    def _one_less(self, batch: ClaimedBatch) -> None:
        batch.left -= 1
        if batch.left == 0:
            self.changed.set()

    def _due_in(self) -> float | None:
        if not self.ready or self.stopped or self.judging:
            return None
        return self.ready[0].at - self.loop.time() if self.ready[0].at else 0.0

    # -- work ----------------------------------------------------------------------------------

    async def run(self, ends: float) -> int:
        """Works until `ends` (on the loop's clock); returns the messages that came to an outcome.

        Raises django.db.Error when the database is away, and HostTroubleError when this host can't
        work, after what is on the wire ended.
        """
        try:
            # Also for the lines of its connections: their tasks are made within.
            with logs.context(relay=self.relay.pk, workspace=self.relay.workspace_id):
                await self._work(ends)
        finally:
            self.stopped = True
            await self.connections.close(GRACE)
            self.trouble = self.trouble or self.connections.trouble
            await self._end()
        if self.trouble is not None:
            raise self.trouble
        return self.count

    def stop(self) -> None:
        """Begins nothing more; `run` returns when what is on the wire came to its end."""
        self.stopped = True
        self.changed.set()

    async def _work(self, ends: float) -> None:
        idle_since: float | None = None
        first = True
        while not self.stopped and not self.connections.hopeless:
            self.changed.clear()
            await self._judge()
            await self._record(self._finished())
            await self._remember()
            self._adapt()
            # Who may have no connection yet leaves the work to those who have them.
            low = self.connections.most > 0 and len(self.ready) <= self.size
            if low and (first or self.loop.time() < ends):
                batch = await self.database(self.ledger.claim, self.size)
                if batch is not None:
                    idle_since, first = None, False
                    self._take(batch)
                    continue
            if not self.batches:
                now = self.loop.time()
                idle_since = idle_since or now
                if now - idle_since >= self.linger or now >= ends:
                    return
            await self._something(LOOK)

    async def _something(self, seconds: float) -> None:
        """Until a batch is done, the queue runs low, or a connection ended."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            pass

    def _take(self, batch: ClaimedBatch) -> None:
        """Puts a batch into the queue, each message with the moment it may go."""
        reservation = batch.reservation
        self.batches.add(batch)
        begin = self.loop.time() + reservation.delay - (time.monotonic() - batch.claimed_at)
        messages = batch.claim.messages
        if batch.mailing.pk not in self.proven:
            # Of each lane some come first, so that a relay that takes nothing is known for it after
            # a few mails, not after a few of each lane.
            messages = interleaved(messages)
        for place, message in enumerate(messages):
            at = begin + place * reservation.spacing if reservation.spacing else 0.0
            self.ready.append(QueuedMessage(batch, message, at))
        self.connections.pump()

    def _adapt(self) -> None:
        """The size of the next batches, from how fast it goes."""
        now = self.loop.time()
        count, since = self.mark
        if now - since < (MEASURE if self.count - count < self.size else MEASURE_SOON):
            return
        wanted = int((self.count - count) / (now - since) * BATCH_SECONDS)
        # Where there was nothing to send the rate says nothing against a larger one.
        if self.count > count and (wanted > self.size or not self.dry):
            self.size = max(SMALLEST_BATCH, min(wanted, self.size * GROWTH, LARGEST_BATCH))
        self.mark = (self.count, now)
        self.dry = not self.ready

    async def _remember(self) -> None:
        """What connections found out about the relay."""
        found = self.connections
        if found.lied is not None:
            (mode, words), found.lied = found.lied, None
            await self.database(health.step_down, self.relay, str(mode), words)
        if found.refused_beside is not None:
            number, found.refused_beside = found.refused_beside, None
            await self.database(pace.too_many, self.relay, open=number)
        if found.spent_after is not None:
            number, found.spent_after = found.spent_after, None
            await self.database(health.found_messages_each, self.relay, number)

    async def watch(self, began: float) -> None:
        """Called about each second: renews its leases, and drops who left meanwhile. `began`: when
        its batches were looked after, before this."""
        open_ = len(self.connections.open)
        slot = await self.database(
            pace.renew_slot, self.slot, self.holder, open=open_, silent=self._silent()
        )
        if slot is None:
            self.stop()
            return
        self.slot = slot
        with logs.context(relay=self.relay.pk, workspace=self.relay.workspace_id):
            self.connections.resize(slot.connections)
        self.safe_until = began + SAFE
        old = time.monotonic() - STALE
        for batch in [one for one in self.batches if one.claimed_at < old and one.left]:
            ids = [one.message.id for one in self.ready if one.batch is batch]
            if ids:
                batch.gone |= await self.database(left_since, batch.mailing, ids)

    def _silent(self) -> float:
        """Seconds since the relay's server said anything, while an answer is owed."""
        now = self.loop.time()
        if not self.connections.at_work:
            self.heard = now
        return now - self.heard

    # -- recording -----------------------------------------------------------------------------

    def _finished(self) -> list[ClaimedBatch]:
        """Batches that ended, and those that have had outcomes for a while."""
        late = time.monotonic() - RECORD_AFTER
        return [
            batch
            for batch in self.batches
            if batch.left == 0 or ((batch.outcomes or batch.accepted) and batch.recorded_at < late)
        ]

    async def _judge(self) -> None:
        """Records the batches in which much was refused, which stops what refuses
        (services.refusals), and goes on with what may still go."""
        if not self.judging:
            return
        judged = list(self.judging)
        for batch in judged:
            await self._write(batch, ends=batch.left == 0)
        await self.database(watch, [batch for batch in self.batches if batch.left])
        self.judging.difference_update(judged)
        self.connections.pump()

    async def _record(self, batches: list[ClaimedBatch]) -> None:
        for batch in batches:
            await self._write(batch, ends=batch.left == 0)

    async def _write(self, batch: ClaimedBatch, *, ends: bool) -> None:
        seconds = time.monotonic() - batch.recorded_at
        outcomes, accepted = batch.take()
        if accepted:
            self.proven.add(batch.mailing.pk)
        try:
            await self.database(
                self.ledger.record, batch, outcomes, accepted, seconds=seconds, ends=ends
            )
        except BaseException:
            # They are tried once more when the agent ends, and stand in the journal.
            batch.put_back(outcomes, accepted)
            raise
        if ends:
            self.batches.discard(batch)

    async def _end(self) -> None:
        """Gives back what was not begun, and what this relay can't do now is known to others."""
        trouble: Exception | None = None
        for batch in list(self.batches):
            try:
                await self._write(batch, ends=True)
            except Exception as error:  # noqa: BLE001 - raised below, when all are tried
                trouble = error
                self._abandon(batch)
        if trouble is not None:
            raise trouble
        if self.connections.hopeless and self.trouble is None:
            await self.database(health.learn, self.relay, (), self.connections.error, open=0)
        await self.database(pace.free_slots, self.holder)

    @staticmethod
    def _abandon(batch: ClaimedBatch) -> None:
        try:
            batch.journal.abandon()
        except OSError as error:
            log.warning(
                "replies not written to the journal",
                relay=batch.relay_id,
                batch=batch.claim.batch_id,
                error=error,
            )


def interleaved(messages: Sequence[Claimed]) -> tuple[Claimed, ...]:
    """One of each lane in turn."""
    lanes: dict[str, list[Claimed]] = {}
    for message in messages:
        lanes.setdefault(lane_of(message), []).append(message)
    rounds = zip_longest(*lanes.values())
    return tuple(message for one in rounds for message in one if message is not None)
