"""Sends a relay's due messages for some seconds: claim, send, record, and again.

Database work is between batches, in the caller's thread; the wire is an event loop that runs only
while a batch is sent. A thread of its own looks each second whether the batch may go on.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import uvloop
from django.db import Error, connection
from django.utils import timezone

from sending import pace
from sending.compose import NO_SMTPUTF8, Composer
from sending.exchange import ConnectError, Connection, End, Outcome, Server
from sending.journal import Journal
from sending.models import Batch, Mailing, Relay
from sending.outcomes import settle
from sending.queries.claim import Claimed, claim, renew
from sending.secrets import SecretError
from sending.services import relayhealth
from sending.services.relays import server_of

log = logging.getLogger(__name__)

# A task gives its process back this soon, in seconds: other relays' turn, and a warm shutdown.
BUDGET = 8.0
# A batch is meant to take this long, in seconds.
BATCH_SECONDS = 1.0
FIRST_BATCH, LARGEST_BATCH = 40, 1000


@dataclass
class Live:
    """What a batch in flight shares with the thread that watches it."""

    mailing_id: int
    relay_id: int
    batch_id: int
    slot: pace.Slot
    holder: str
    stop: bool = False


@dataclass
class Wire:
    """The open connections of one run."""

    server: Server
    limit: int | None
    open: list[Connection] = field(default_factory=list)
    error: ConnectError | None = None

    async def take(self) -> Connection | None:
        while self.open:
            connection_ = self.open.pop()
            if connection_.usable and not (self.limit and connection_.sent >= self.limit):
                return connection_
            await connection_.quit()
        if self.error is not None:
            return None
        fresh = Connection(self.server)
        try:
            await fresh.open()
        except ConnectError as error:
            self.error = error
            return None
        return fresh

    def put(self, connection_: Connection) -> None:
        if connection_.usable:
            self.open.append(connection_)

    async def close(self) -> None:
        await asyncio.gather(*(connection_.quit() for connection_ in self.open))
        self.open.clear()


def run(relay: Relay, *, budget: float = BUDGET) -> int:
    """Works for `budget` seconds or until nothing is due; returns the messages it settled."""
    journal = Journal()
    try:
        slot = pace.take_slot(relay, journal.holder)
        if slot is None:
            return 0
        try:
            return _Run(relay, slot, journal).work(time.monotonic() + budget)
        finally:
            pace.free_slots(journal.holder)
    finally:
        journal.close()


class _Run:
    def __init__(self, relay: Relay, slot: pace.Slot, journal: Journal) -> None:
        self.relay = relay
        self.slot = slot
        self.journal = journal
        self.size = FIRST_BATCH
        self.watcher = ThreadPoolExecutor(1, thread_name_prefix="watch")

    def work(self, end: float) -> int:
        try:
            self.server = server_of(self.relay)
        except SecretError as error:
            relayhealth.stop(self.relay, str(error))
            return 0
        self.wire = Wire(self.server, self.relay.messages_per_connection)
        done = 0
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            try:
                while time.monotonic() < end and (number := self._round(loop)):
                    done += number
            finally:
                loop.run(self.wire.close())
                # `connection` is the watcher thread's own there.
                self.watcher.submit(_close_connection).result()
                self.watcher.shutdown()
        return done

    def _round(self, loop: asyncio.Runner) -> int:
        """One batch of each mailing that has due messages, the longest waiting first."""
        done = 0
        for mailing in mailings_of(self.relay):
            self.relay.refresh_from_db()
            if not relayhealth.ready(self.relay):
                return 0
            done += self._batch(loop, mailing)
        return done

    def _batch(self, loop: asyncio.Runner, mailing: Mailing) -> int:
        grant = pace.reserve(self.relay, self.size)
        if isinstance(grant, pace.Wait):
            relayhealth.wait(self.relay, grant.reason, grant.until)
            return 0
        if (grant.begin - timezone.now()).total_seconds() > pace.LONGEST_SIT:
            pace.give_back(self.relay, grant, grant.count)
            return 0
        self.journal.begin()
        batch, claimed = claim(mailing, self.relay, holder=self.journal.holder, limit=grant.count)
        if batch is None:
            self.journal.clear()
            pace.give_back(self.relay, grant, grant.count)
            return 0
        return self._send(loop, mailing, grant, batch, claimed)

    def _send(
        self,
        loop: asyncio.Runner,
        mailing: Mailing,
        grant: pace.Grant,
        batch: Batch,
        claimed: list[Claimed],
    ) -> int:
        began = time.monotonic()
        composer = Composer(mailing, self.relay, claimed)
        live = Live(mailing.pk, self.relay.pk, batch.pk, self.slot, self.journal.holder)
        sent = loop.run(self._on_wire(live, composer, grant, claimed))
        settle(batch, mailing, self.relay, claimed, sent)
        self.journal.clear()
        handed = sum(outcome.end != End.NOT_HANDED_OVER for outcome in sent.values())
        pace.give_back(self.relay, grant, grant.count - handed)
        relayhealth.learn(self.relay, sent.values(), self.wire.error)
        if self.wire.error is not None:
            self.wire.error = None
            return 0
        self._adapt(len(claimed), time.monotonic() - began)
        return len(claimed) if not live.stop else 0

    def _adapt(self, number: int, seconds: float) -> None:
        wanted = int(number * BATCH_SECONDS / max(seconds, 0.01))
        self.size = max(10, min(wanted, self.size * 2, LARGEST_BATCH))

    async def _on_wire(
        self, live: Live, composer: Composer, grant: pace.Grant, claimed: list[Claimed]
    ) -> dict[int, Outcome]:
        """{message id: outcome}; messages that were not begun are absent."""
        outcomes: dict[int, Outcome] = {}
        watching = asyncio.create_task(self._watch(live))
        turns = _turns(claimed, grant)
        lanes = min(self.slot.connections, len(claimed))
        try:
            await asyncio.gather(
                *(self._lane(live, composer, turns, outcomes) for _ in range(lanes))
            )
        finally:
            watching.cancel()
        return outcomes

    async def _lane(
        self,
        live: Live,
        composer: Composer,
        turns: Iterator[tuple[Claimed, datetime]],
        outcomes: dict[int, Outcome],
    ) -> None:
        for message, at in turns:
            if (pause := (at - timezone.now()).total_seconds()) > 0:
                await asyncio.sleep(pause)
            if live.stop:
                return
            mail = composer.compose(message)
            if isinstance(mail, Outcome):
                outcomes[message.id] = mail
                continue
            connection_ = await self.wire.take()
            if connection_ is None:
                return
            if mail.utf8 and not connection_.supports("smtputf8"):
                outcomes[message.id] = Outcome(End.REFUSED, NO_SMTPUTF8)
                self.wire.put(connection_)
                continue
            outcome = await connection_.send(
                mail.sender,
                mail.recipient,
                mail.content,
                handing_over=_marker(self.journal, message.id),
            )
            if outcome.end in {End.TAKEN, End.REFUSED}:
                self.journal.reply(message.id, outcome.code, outcome.words)
            outcomes[message.id] = outcome
            self.wire.put(connection_)

    async def _watch(self, live: Live) -> None:
        loop = asyncio.get_running_loop()
        while not live.stop:
            await asyncio.sleep(0.7)
            try:
                live.stop = not await loop.run_in_executor(self.watcher, may_go_on, live)
            except Error as error:
                # Nothing could be recorded: what is on the wire is finished, no more is begun.
                log.warning("batch %s stops: the database is away (%s)", live.batch_id, error)
                live.stop = True


def _close_connection() -> None:
    connection.close()


def _marker(journal: Journal, message_id: int) -> Callable[[], None]:
    return lambda: journal.hand_over(message_id)


def _turns(claimed: list[Claimed], grant: pace.Grant) -> Iterator[tuple[Claimed, datetime]]:
    """Each message with the moment it may be handed over."""
    for place, message in enumerate(claimed):
        yield message, grant.begin + timedelta(seconds=place * grant.spacing)


def may_go_on(live: Live) -> bool:
    """Renews what the batch holds; False once its mailing or relay was stopped."""
    renew(live.batch_id)
    pace.renew_slot(live.slot, live.holder)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT state FROM sending_mailing WHERE id = %s) = 'sending'"
            " AND (SELECT state FROM sending_relay WHERE id = %s) = 'active'",
            [live.mailing_id, live.relay_id],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


# Mailings that this relay may carry and that have something due, the longest waiting first: small
# ones get their turn in each round, however large the others are.
DUE = """
SELECT m.id FROM sending_mailing m
 WHERE m.state = 'sending'
   AND (m.relay_id = %(relay)s
        OR m.pool_id IN (SELECT pool_id FROM sending_poolmember WHERE relay_id = %(relay)s))
   AND EXISTS (SELECT 1 FROM sending_message
                WHERE mailing_id = m.id AND state = 0 AND due_at <= now())
 ORDER BY m.id
"""


def mailings_of(relay: Relay) -> list[Mailing]:
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"relay": relay.pk})
        ids = [row[0] for row in cursor.fetchall()]
    return list(
        Mailing.objects.filter(pk__in=ids).select_related("workspace", "content").order_by("pk")
    )
