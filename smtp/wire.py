"""The connection below an exchange: owed replies, timeouts, and the end of the connection."""

import asyncio
import sys
from collections import deque
from time import monotonic

from smtp import config
from smtp.mailobjects import End, MailSupply, Outcome, refused
from smtp.remarks import Remark
from smtp.replies import Stage
from smtp.replylines import GarbledError, ReplyReader
from smtp.session import Session
from smtp.timeouts import Timeouts
from smtp.transactions import NOBODY, STAGES, Ending, EndingKind, Mode, OwedReply, Transaction

# The number of mails for a connection without a limit.
ENDLESS = sys.maxsize


class Wire(asyncio.Protocol):
    """Base of Exchange, which decides what to write and what replies mean."""

    def __init__(  # noqa: PLR0913 - by keyword
        self,
        session: Session,
        source: MailSupply,
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
        # Mails that this connection may carry, in all and from now on.
        self._most = self._left = ENDLESS if most is None else most
        # Mails refused since the last accepted one: each costs a RSET.
        self._refusals = 0
        timeouts = timeouts or config.current().timeouts
        self._limits = _limits(timeouts, idle)
        self._content_limit = timeouts.content
        self._reader = ReplyReader()

        # In the order of the commands.
        self._owed: deque[tuple[OwedReply, Transaction]] = deque()
        # Mails that aren't settled, in the order in which they were taken; they are settled in it.
        self._transactions: deque[Transaction] = deque()
        # The transaction whose commands are written and whose content isn't.
        self._envelope: Transaction | None = None
        # A RSET is due before the next MAIL.
        self._stale = False
        # The server has shown that it can do the mode that it offered.
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
        """Whether a mail is on its way."""
        return bool(self._transactions)

    def start(self) -> None:
        if self._transport.is_closing():
            self._end(EndingKind.CLOSED, words=str(Remark("closed")))
            return
        self._since = monotonic()
        self._watch()
        self.wake()

    def wake(self) -> None:
        """To be called when the source may have a mail again."""
        if not self._inside:
            self._work()

    def drain(self) -> None:
        """Takes no more mails, and quits when none is on its way."""
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
        """Whether the exchange has ended. Asked after each call of the source, which may end it."""
        return self._ended

    def _work(self, data: bytes = b"") -> None:
        """Reads and writes. An error of the source ends the connection and is raised again."""
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
        """Settles the oldest mail on its way: replies come in the order of the commands."""
        self._source.settled(self._transactions.popleft().mail, outcome)

    def _unproven(self) -> bool:
        return self.mode is not Mode.PLAIN and not self._proven

    # Time -----------------------------------------------------------------------------------

    def _watch(self) -> None:
        """One timer for each connection, which looks from time to time: setting one for each reply
        would cost more."""
        if self._ended:
            return
        now = monotonic()
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent = unsent
            self._since = now  # Our bytes are leaving.
        if now >= self._since + self._limit():
            if self._owed:
                self._late()
                return
            self._quit(EndingKind.IDLE)
        left = self._since + self._limit() - now
        # The limit may become shorter before the timer ends, so wait for the shortest at most.
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
        """Closes the connection and settles the mails on their way."""
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
        """The server takes no more mails over this connection. It has thereby refused the mails
        whose commands or contents were already written. Mails whose content wasn't written may go
        over the next connection at once."""
        for transaction in self._transactions:
            if transaction.refusal is None and transaction.handed:
                transaction.refusal = refused(code, words, Stage.MAIL)
            elif transaction.refusal is None:
                transaction.refusal = Outcome(End.NEXT_CONNECTION, code, words, Stage.MAIL)
        self._end(EndingKind.SPENT, code, words, carried=carried)

    def _interrupted(self, transaction: Transaction, *, suspect: bool) -> Outcome:
        """A refusal that was read counts, unless the server failed at a mode that it offered."""
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
    """{command or content that the next reply is owed to: seconds}; None: no reply is owed."""
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
