"""A relay's connections in this process: opened when there is more than those at work can take,
closed when they idle, served their number of messages, or the work ends.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from environment import logs
from sending.host import trouble as hosttrouble
from sending.host.trouble import HostTroubleError
from smtp import (
    ConnectError,
    Ending,
    EndingKind,
    Exchange,
    MailSupply,
    Mode,
    Server,
    Session,
    open_session,
)

log = logs.get(__name__)

# An idle connection is kept so long, in seconds.
IDLE = 20.0
# Seconds until another connection is tried after one that failed while others work.
PAUSE = 5.0
# So many connections that end one after the other without an answer for any message are trouble.
FRUITLESS = 3
# How such a connection ends, if the server ends it instead of an answer.
CALM = {EndingKind.DRAINED, EndingKind.IDLE, EndingKind.FULL}
SILENT = {EndingKind.LOST, EndingKind.CLOSED, EndingKind.TIMEOUT}
ABOVE = {Mode.CHUNKED, Mode.PIPELINED}
LOWER = {Mode.CHUNKED: Mode.GROUPED, Mode.PIPELINED: Mode.GROUPED, Mode.GROUPED: Mode.PLAIN}


@dataclass
class Connections:
    """`most`: at most so many at once. `mode`: how far down from pipelining it had to go."""

    source: MailSupply
    server: Server
    most: int
    # The owner's number, or the one that the server was found to want; None: no limit is known.
    messages_each: int | None
    messages_given: bool
    mode: Mode
    chunking: bool
    # Called when a connection ended, or could not be opened.
    ended: Callable[[], None]
    # Seconds until work is waiting; None: nothing waits.
    due_in: Callable[[], float | None]
    open: set[Exchange] = field(default_factory=set)
    opening: set[asyncio.Task[None]] = field(default_factory=set)
    # What keeps this relay from being reached, once no connection is left.
    error: ConnectError | None = None
    # The same where it is not the relay's, but this host's.
    trouble: HostTroubleError | None = None
    # The server allowed only so many; the second is to be remembered.
    allowed: int | None = None
    refused_beside: int | None = None
    # After so many mails the server wanted another connection, to be remembered.
    spent_after: int | None = None
    # The mode that the server made us step down to, and what it looked like. A server that is only
    # away looks the same: it is to be remembered once the lower mode got an answer.
    stepped: tuple[Mode, str] | None = None
    lied: tuple[Mode, str] | None = None
    # Connections that ended badly since a message was last answered.
    fruitless: int = 0
    closing: bool = False
    not_before: float = 0.0
    timer: asyncio.TimerHandle | None = None

    def pump(self) -> None:
        """Lets idle connections take work that is due, and opens more while that isn't enough."""
        if self.closing or self.error is not None:
            return
        for exchange in [one for one in self.open if not one.busy]:
            if not self._due():
                break
            exchange.wake()
        room = min(self.most, self.allowed or self.most) - len(self.open) - len(self.opening)
        if room > 0 and self._due() and not self._rests():
            for _ in range(room if len(self.open) else min(room, 2)):
                self._begin()

    def resize(self, most: int) -> None:
        """At most so many from now on; those that are too many end when their mail is out."""
        self.most = most
        for exchange in list(self.open)[most:]:
            exchange.drain()
        self.pump()

    def _due(self) -> bool:
        """Whether a message may go now; else asks again when the next one may."""
        seconds = self.due_in()
        if seconds is None:
            return False
        if seconds <= 0:
            return True
        if self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(seconds, self._ring)
        return False

    def _rests(self) -> bool:
        """Whether no more are opened for now. Where none is left, the next try says how it is."""
        return bool(self.open) and asyncio.get_running_loop().time() < self.not_before

    def _ring(self) -> None:
        self.timer = None
        self.pump()

    def _begin(self) -> None:
        task = asyncio.create_task(self._one())
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)

    async def _one(self) -> None:
        """One connection, from its opening to its end."""
        try:
            session = await open_session(self.server)
        except ConnectError as error:
            self._not_opened(error)
            return
        if self.closing:
            session.close()
            return
        exchange = Exchange(
            session,
            self.source,
            mode=self._mode(session),
            most=self.messages_each,
            idle=IDLE,
        )
        self.open.add(exchange)
        exchange.start()
        exchange.done.add_done_callback(lambda done: self._ended(exchange, done.result()))
        # Others may be wanted, now that one is known to work.
        self.pump()

    def _mode(self, session: Session) -> Mode:
        offers = session.offers
        if not offers.pipelining:
            return Mode.PLAIN
        chunked = self.chunking and offers.chunking and self.mode is Mode.PIPELINED
        return Mode.CHUNKED if chunked else self.mode

    def _not_opened(self, error: ConnectError) -> None:
        """Trouble only where no other connection works: else it goes on with those."""
        trouble = hosttrouble.of_connection(error)
        log.info("no connection", server=self.server.host, reason=error.reason, words=error.words)
        if self.open:
            if error.reason == "too_many":
                self.allowed = self.refused_beside = len(self.open)
            self.not_before = asyncio.get_running_loop().time() + PAUSE
            return
        self.trouble = self.trouble or trouble
        # The first error says most; it isn't trouble while another may still get through.
        self.error = self.error or error
        self.ended()

    def _ended(self, exchange: Exchange, ending: Ending) -> None:
        self.open.discard(exchange)
        if ending.kind is EndingKind.SPENT:
            log.debug(
                "connection spent", server=self.server.host, code=ending.code, words=ending.words
            )
            self._spent(ending.carried)
        elif ending.kind not in CALM and not self.closing:
            self.fruitless += 1
            log.info(
                "connection lost",
                server=self.server.host,
                reason=str(ending.kind),
                code=ending.code or None,
                words=ending.words,
            )
        words = f"{ending.code} {ending.words}" if ending.code else ending.words
        hopeless = self.fruitless >= FRUITLESS and not self.open
        # Some end the connection where others answer that they don't want groups.
        lies = ending.suspect or (hopeless and ending.kind in SILENT)
        if lies and exchange.mode is not Mode.PLAIN:
            self._step_down(exchange.mode, words)
        elif hopeless:
            self.error = self.error or ConnectError("connection", words or "the connection ended")
        self.ended()
        self.pump()

    def _spent(self, carried: int) -> None:
        """`carried`: 0 where the server counts something else than mails."""
        if not carried or self.messages_given or carried == self.messages_each:
            return
        self.messages_each = min(carried, self.messages_each or carried)
        self.spent_after = self.messages_each

    def _step_down(self, failed: Mode, words: str) -> None:
        """Another connection may have led to it already."""
        lower = LOWER[failed]
        if self.mode is lower or LOWER.get(lower) is self.mode:
            return
        self.mode = lower
        self.stepped = (lower, words)
        self.fruitless = 0

    def answered(self) -> None:
        """A message got an answer: what there is of doubt about the server is over."""
        self.fruitless = 0
        # Not by a connection that still speaks as before.
        if self.stepped is not None and all(one.mode not in ABOVE for one in self.open):
            self.lied, self.stepped = self.stepped, None

    @property
    def hopeless(self) -> bool:
        """Whether no connection works and none is about to."""
        return self.error is not None and not self.open and not self.opening

    @property
    def at_work(self) -> bool:
        """Whether the server owes an answer, if only to a connection that is being opened."""
        return bool(self.opening) or any(exchange.busy for exchange in self.open)

    async def close(self, grace: float) -> None:
        """Takes nothing more, lets what is on the wire come to its end, and says good-bye. What
        hangs after `grace` seconds is cut off."""
        self.closing = True
        if self.timer is not None:
            self.timer.cancel()
        for task in list(self.opening):
            task.cancel()
        await asyncio.gather(*self.opening, return_exceptions=True)
        leaving = list(self.open)
        for exchange in leaving:
            exchange.drain()
        if leaving:
            _, hanging = await asyncio.wait([one.done for one in leaving], timeout=grace)
            if hanging:
                for exchange in list(self.open):
                    exchange.abort("the worker stops")
                await asyncio.wait(hanging)
