"""The connection below an exchange: what is owed a reply, how long it may take, and the end."""

import asyncio
import sys
from collections import deque
from time import monotonic

from smtp import config
from smtp.mailobjects import End, Outcome, Source, refused
from smtp.remarks import Remark
from smtp.replies import Stage
from smtp.replylines import GarbledError, ReplyReader
from smtp.session import Session
from smtp.timeouts import Timeouts
from smtp.transactions import NOBODY, STAGES, Ending, EndingKind, Mode, OwedReply, Transaction

# Mails of a connection without a limit.
ENDLESS = sys.maxsize


class Wire(asyncio.Protocol):
    """See Exchange, which says what goes out and what comes in means."""

    def __init__(  # noqa: PLR0913 - by keyword
        self,
        session: Session,
        source: Source,
        *,
        mode: Mode,
        timeouts: Timeouts | None = None,
        most: int | None = None,
        idle: float = 30.0,
        window: int = 8,
    ) -> None:
        self.mode = mode
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Ending] = self._loop.create_future()
        self._source = source
        self._offers = session.offers
        self._window = window
        # How many mails this connection may take, and still may.
        self._most = self._left = ENDLESS if most is None else most
        # Mails refused since one was accepted: each leaves a RSET behind.
        self._refusals = 0
        timeouts = timeouts or config.current().timeouts
        self._limits = _limits(timeouts, idle)
        self._content_limit = timeouts.content
        self._reader = ReplyReader()

        # In the order in which they were said.
        self._owed: deque[tuple[OwedReply, Transaction]] = deque()
        # Not settled, in the order in which they were taken and will be settled.
        self._transactions: deque[Transaction] = deque()
        # The one whose commands are said and whose content isn't.
        self._envelope: Transaction | None = None
        # RSET comes before the next MAIL.
        self._stale = False
        # The server has shown that it keeps the mode it offered.
        self._proven = False
        self._paused = self._draining = self._inside = self._ended = False
        self._goodbye: EndingKind | None = None
        self._why = ""
        self._since = monotonic()
        self._unsent = 0
        self._timer: asyncio.TimerHandle | None = None

        self._transport = session.transport
        self._transport.set_protocol(self)

    # For its owner --------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """A mail is on its way."""
        return bool(self._transactions)

    def start(self) -> None:
        if self._transport.is_closing():
            self._end(EndingKind.CLOSED, words=str(Remark("closed")))
            return
        self._since = monotonic()
        self._watch()
        self.wake()

    def wake(self) -> None:
        """The source may have a mail again."""
        if not self._inside:
            self._work()

    def drain(self) -> None:
        """Takes no more; says goodbye when nothing is on its way."""
        self._draining = True
        self.wake()

    def abort(self, why: str) -> None:
        self._end(EndingKind.CLOSED, words=why)

    # For its transport ----------------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        words = str(exc or "") or str(Remark("closed"))
        self._end(EndingKind.LOST if self._owed else EndingKind.CLOSED, words=words)

    def data_received(self, data: bytes) -> None:
        if not self._ended:
            self._work(data)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self.wake()

    # For the exchange -----------------------------------------------------------------------

    def _advance(self) -> None:
        raise NotImplementedError

    def _answer(self, code: int, words: str) -> None:
        raise NotImplementedError

    def _over(self) -> bool:
        """Asked after each call of the source, which may end it."""
        return self._ended

    def _work(self, data: bytes = b"") -> None:
        """Reads and writes. An error of the source ends the connection, and is passed on."""
        self._inside = True
        try:
            if data:
                self._read(data)
            else:
                self._advance()
        except Exception as error:
            self._end(EndingKind.CLOSED, words=str(error))
            raise
        finally:
            self._inside = False

    def _read(self, data: bytes) -> None:
        try:
            for code, words in self._reader.feed(data):
                self._answer(code, words)
                if self._ended:
                    return
        except GarbledError as error:
            self._end(EndingKind.DESYNC, words=str(error))
        else:
            self._advance()

    def _owe(self, kind: OwedReply) -> None:
        self._owed.append((kind, NOBODY))

    def _rest(self) -> None:
        if self._draining:
            self._quit(EndingKind.DRAINED)
        elif self._left == 0:
            self._quit(EndingKind.FULL)

    def _quit(self, goodbye: EndingKind) -> None:
        self._goodbye = goodbye
        self._since = monotonic()
        self._owe(OwedReply.QUIT)
        self._transport.write(b"QUIT\r\n")

    def _settle(self, outcome: Outcome) -> None:
        """The oldest of those on their way: replies come in the order of what was said."""
        self._source.settled(self._transactions.popleft().mail, outcome)

    def _unproven(self) -> bool:
        return self.mode is not Mode.PLAIN and not self._proven

    # Time -----------------------------------------------------------------------------------

    def _watch(self) -> None:
        """One timer a connection, that looks now and then instead of being set for each reply."""
        if self._ended:
            return
        now = monotonic()
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent = unsent
            self._since = now  # What we write is leaving.
        if now >= self._since + self._limit():
            if self._owed:
                self._late()
                return
            self._quit(EndingKind.IDLE)
        left = self._since + self._limit() - now
        # A limit may shrink meanwhile: no longer than the shortest.
        pause = max(0.001, min(left, *self._limits.values()))
        self._timer = self._loop.call_later(pause, self._watch)

    def _limit(self) -> float:
        if not self._owed:
            return self._limits[None]
        kind = self._owed[0][0]
        if kind is OwedReply.CONTENT and self._unsent:
            return self._content_limit
        return self._limits[kind]

    def _late(self) -> None:
        late = {"command": self._owed[0][0].name, "seconds": f"{self._limit():.0f}"}
        self._end(EndingKind.TIMEOUT, words=str(Remark("no_reply", late)))

    # The end --------------------------------------------------------------------------------

    def _end(
        self,
        kind: EndingKind,
        code: int = 0,
        words: str = "",
        *,
        suspect: bool = False,
        carried: int = 0,
    ) -> None:
        """Closes the connection and settles what is on its way."""
        if self._ended:
            return
        self._ended = True
        self._why = f"{code} {words}" if code else words
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        odd = kind in {EndingKind.TIMEOUT, EndingKind.DESYNC} and self._unproven()
        sure = not any(transaction.handed for transaction in self._transactions)
        suspect = suspect or (odd and sure and bool(self._transactions))
        try:
            while self._transactions:
                transaction = self._transactions.popleft()
                self._source.settled(
                    transaction.mail, self._interrupted(transaction, suspect=suspect)
                )
        finally:
            self._owed.clear()
            if not self.done.done():
                ending = Ending(self._goodbye or kind, code, words, suspect, carried)
                self.done.set_result(ending)

    def _spend(self, code: int, words: str, carried: int) -> None:
        """The server takes no more mails over this connection. What it was told of the next ones,
        their contents included, it doesn't take either: it has just said so. Those without a
        content wait for nothing."""
        for transaction in self._transactions:
            if transaction.refusal is None and transaction.handed:
                transaction.refusal = refused(code, words, Stage.MAIL)
            elif transaction.refusal is None:
                transaction.refusal = Outcome(End.NEXT_CONNECTION, code, words, Stage.MAIL)
        self._end(EndingKind.SPENT, code, words, carried=carried)

    def _interrupted(self, transaction: Transaction, *, suspect: bool) -> Outcome:
        """A refusal that was read counts, unless the server was confused by what it had offered."""
        if transaction.refusal is not None and not (suspect and transaction.refusal.code >= 500):
            return transaction.refusal
        end = End.IN_DOUBT if transaction.handed else End.NOT_HANDED_OVER
        stage = Stage.CONTENT if transaction.handed else Stage.MAIL
        for kind, whose in self._owed:
            if whose is transaction:
                stage = STAGES[kind]
                break
        return Outcome(end, words=self._why, stage=stage)


def _limits(timeouts: Timeouts, idle: float) -> dict[OwedReply | None, float]:
    """Seconds by what the next reply is owed to; None: to nothing."""
    return {
        None: idle,
        OwedReply.RSET: timeouts.mail,
        OwedReply.MAIL: timeouts.mail,
        OwedReply.RCPT: timeouts.rcpt,
        OwedReply.DATA: timeouts.data,
        OwedReply.CONTENT: timeouts.content_reply,
        OwedReply.DOT: timeouts.data,
        OwedReply.QUIT: timeouts.quit,
    }
