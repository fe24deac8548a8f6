"""The SMTP exchange (RFC 5321, 2920, 3030): mails over one session, as fast as its mode allows.

One state machine serves all modes. Commands and contents wait for their replies in a queue, so each
reply belongs to a known command. A reply that can't belong to its command ends the connection. DATA
is always the last command in the queue: after a 354 no other reply is owed, and the content may be
written.

When a connection ends, a mail is in doubt if its content was written and no reply to it was read.
All other mails certainly weren't accepted.
"""

import re
from time import monotonic

from smtp.envelope import envelope, stuffed
from smtp.mailobjects import End, Outcome, WithdrawnError, refused
from smtp.replies import COUNTS_MAILS, Stage, ends_connection
from smtp.replylines import words_of
from smtp.transactions import STAGES, EndingKind, Mode, OwedReply, Transaction
from smtp.wire import Wire

MAIL, RCPT, DATA, CONTENT = OwedReply.MAIL, OwedReply.RCPT, OwedReply.DATA, OwedReply.CONTENT
PIPELINED, CHUNKED, PLAIN = Mode.PIPELINED, Mode.CHUNKED, Mode.PLAIN

# The replies to a content and to the group behind it, if all are positive and arrive in one read.
FOUR_GOOD = re.compile(
    rb"250 ([^\x00\r\n]*)\r\n250 [^\x00\r\n]*\r\n25[012] [^\x00\r\n]*\r\n354 [^\x00\r\n]*\r\n"
)
# Words of servers that offered PIPELINING and refuse its use; Exim says "synchronization".
LYING = re.compile(r"pipelin|synchroni[sz]ation", re.IGNORECASE)
# Codes of a server that can't follow a group of commands, or doesn't know BDAT after all.
UNKNOWN = {500, 502, 503, 504}
# A connection ends after this many refused mails in a row: each of them costs a RSET and up to two
# errors. Exim hangs up at the twelfth RSET (smtp_accept_max_nonmail), Postfix after 20 errors
# (smtpd_hard_error_limit). Both reset their counts when they accept a mail.
MOST_REFUSALS = 8


class Exchange(Wire):
    """Takes over a session and sends the mails of its source until it is drained or fails.

    It sends at most `most` mails, quits after `idle` seconds without a mail, and in CHUNKED mode
    has up to `window` mails on their way at once. `done` gets the Ending when every mail is
    settled.
    """

    # What comes in --------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        owed = self._owed
        if (
            len(owed) == 4
            and owed[0][0] is CONTENT
            and self.mode is PIPELINED
            and not self._reader.pending
            and (good := FOUR_GOOD.fullmatch(data))
        ):
            self._all_good(good[1])
        else:
            super()._read(data)

    def _all_good(self, words: bytes) -> None:
        """One mail is accepted, and the server asks for the next one's content."""
        sent, following = self._owed[0][1], self._owed[3][1]
        self._owed.clear()
        self._transactions.popleft()
        self._since = now = monotonic()
        self._proven = True
        self._refusals = 0
        outcome = Outcome(End.ACCEPTED, 250, words_of(words), Stage.CONTENT, now - sent.handed)
        self._source.settled(sent.mail, outcome)
        if not self._over():
            self._hand_over(following)

    def _answer(self, code: int, words: str) -> None:
        if code >= 400 and self._spent(code, words):
            return
        if not self._owed:
            # Some servers send 421 before they close an idle connection.
            kind = EndingKind.CLOSED if code == 421 else EndingKind.DESYNC
            self._end(kind, code, words)
            return
        kind_owed, transaction = self._owed[0]
        if code == 421:
            self._refuse(kind_owed, transaction, code, words)
            self._end(EndingKind.UNAVAILABLE, code, words)
        elif not _fits(kind_owed, code):
            self._end(EndingKind.DESYNC, code, words)
        elif code >= 500 and self.mode is not PLAIN and LYING.search(words):
            transaction.handed = 0.0  # The reply is a refusal: nothing was accepted.
            self._end(EndingKind.DESYNC, code, words, suspect=True)
        else:
            self._owed.popleft()
            self._since = monotonic()
            self._handle(kind_owed, transaction, code, words)

    def _spent(self, code: int, words: str) -> bool:
        """Whether the refusal means only that this connection takes no more mails. As a reply to
        the first mail of a connection it is an ordinary refusal: the next connection would get it
        as well."""
        if self._owed and self._owed[0][0] is OwedReply.QUIT:
            return False
        carried = self._most - self._left - len(self._transactions)
        if carried < 1:
            return False
        stage = STAGES.get(self._owed[0][0], Stage.UNKNOWN) if self._owed else Stage.UNKNOWN
        why = ends_connection(code, words, stage)
        if why:
            self._spend(code, words, carried if why == COUNTS_MAILS else 0)
        return bool(why)

    def _handle(self, kind: OwedReply, transaction: Transaction, code: int, words: str) -> None:
        match kind:
            case OwedReply.MAIL | OwedReply.RCPT:
                self._command_answered(kind, transaction, code, words)
            case OwedReply.DATA:
                self._data_answered(transaction, code, words)
            case OwedReply.CONTENT:
                self._content_answered(transaction, code, words)
            case OwedReply.RSET:
                self._next_step(transaction)
            case OwedReply.QUIT:
                self._end(EndingKind.CLOSED, code, words)

    def _command_answered(
        self, kind: OwedReply, transaction: Transaction, code: int, words: str
    ) -> None:
        if code >= 400:
            self._refuse(kind, transaction, code, words)
        elif kind is RCPT:
            transaction.welcome = True
        if self._owed:
            return  # In a group, the last reply decides.
        if transaction.refusal is not None:
            if not self._confused(transaction):
                self._refused(transaction)
        elif transaction.todo:
            self._next_step(transaction)
        elif self.mode is CHUNKED:
            self._hand_over_chunk(transaction)

    def _data_answered(self, transaction: Transaction, code: int, words: str) -> None:
        if code != 354:
            self._refuse(DATA, transaction, code, words)
        if self._confused(transaction):
            return
        self._proven = self._proven or self.mode is not PIPELINED or transaction.behind
        if code != 354:
            self._refused(transaction)
        elif transaction.refusal is None:
            self._hand_over(transaction)
        elif transaction.welcome:
            # The server has a recipient without a sender: even an empty content might be delivered.
            self._end(EndingKind.DESYNC, code, words)
        else:
            # RFC 2920, 3.1: no recipient was accepted, so a lone dot ends the content at once.
            self._refused(transaction)
            if not self._over():
                self._owe(OwedReply.DOT)
                self._transport.write(b".\r\n")

    def _content_answered(self, transaction: Transaction, code: int, words: str) -> None:
        accepted = code < 400
        if transaction.refusal is not None:
            if accepted:
                # The recipient was refused and the content accepted: the mail is in doubt.
                transaction.refusal = None
                self._end(EndingKind.DESYNC, code, words)
            else:
                self._refused(transaction)
            return
        if code in UNKNOWN and self.mode is CHUNKED and self._unproven():
            transaction.handed = 0.0
            self._end(EndingKind.DESYNC, code, words, suspect=True)
            return
        self._proven = self._proven or self.mode is CHUNKED
        seconds = self._since - transaction.handed
        if accepted:
            self._refusals = 0
            self._settle(Outcome(End.ACCEPTED, code, words, Stage.CONTENT, seconds))
        else:
            self._settle(refused(code, words, Stage.CONTENT, seconds))

    def _refuse(self, kind: OwedReply, transaction: Transaction, code: int, words: str) -> None:
        """Keeps the first refusal: it is the cause of later ones in the same group."""
        if transaction.refusal is None and kind in STAGES:
            seconds = monotonic() - transaction.handed if transaction.handed else 0.0
            transaction.refusal = refused(code, words, STAGES[kind], seconds)

    def _confused(self, transaction: Transaction) -> bool:
        """Whether the server could not follow the first group that it got. The connection ends
        then."""
        refusal = transaction.refusal
        if refusal is None or refusal.code not in UNKNOWN or not self._unproven():
            return False
        self._end(EndingKind.DESYNC, refusal.code, refusal.words, suspect=True)
        return True

    def _refused(self, transaction: Transaction) -> None:
        """Settles a refused mail. Its transaction may still be open on the server, with the sender
        alone; then RSET comes first."""
        self._envelope = None
        # A sender that was refused opened no transaction.
        self._stale = (
            self._stale or transaction.refusal is None or transaction.refusal.stage != Stage.MAIL
        )
        self._refusals += 1
        if self._refusals >= MOST_REFUSALS:
            self._most -= self._left
            self._left = 0
        if transaction.refusal is not None:
            self._settle(transaction.refusal)

    # What goes out --------------------------------------------------------------------------

    def _advance(self) -> None:
        """Writes what may be written now. With no mail on its way, waits for one or quits."""
        if self._over() or self._paused or self._goodbye is not None:
            return
        if self.mode is CHUNKED:
            self._fill()
        elif self._envelope is None and (not self._owed or self._only_content_owed()):
            transaction = self._take()
            if transaction is not None:
                self._begin(transaction)
        if not self._owed and not self._over():
            self._rest()

    def _only_content_owed(self) -> bool:
        return self.mode is PIPELINED and len(self._owed) == 1 and self._owed[0][0] is CONTENT

    def _take(self) -> Transaction | None:
        """The next mail that this server can carry; mails that it can't carry are settled."""
        while not self._draining and self._left != 0 and not self._over():
            mail = self._source.next()
            if mail is None:
                return None
            if self._over():
                self._source.settled(mail, Outcome(End.NOT_HANDED_OVER, words=self._why))
                return None
            lines = envelope(mail, self._offers)
            if isinstance(lines, bytes):
                transaction = Transaction(mail, lines)
                self._transactions.append(transaction)
                self._left -= 1
                return transaction
            self._source.settled(mail, lines)
        return None

    def _begin(self, transaction: Transaction) -> None:
        if not self._owed:
            self._since = monotonic()
        if self.mode is PLAIN:
            self._envelope = transaction
            mail, rcpt = transaction.lines.splitlines(keepends=True)
            transaction.todo.extend(((MAIL, mail), (RCPT, rcpt), (DATA, b"DATA\r\n")))
            if self._stale:
                self._stale = False
                transaction.todo.appendleft((OwedReply.RSET, b"RSET\r\n"))
            self._next_step(transaction)
        else:
            transaction.behind = bool(self._owed)
            self._transport.write(self._commands(transaction))

    def _next_step(self, transaction: Transaction) -> None:
        if transaction.todo:
            kind, line = transaction.todo.popleft()
            self._owed.append((kind, transaction))
            self._transport.write(line)

    def _commands(self, transaction: Transaction) -> bytes:
        """The envelope as one group of commands, with an owed reply for each."""
        owed, lines = self._owed, transaction.lines
        self._envelope = transaction
        if self._stale:
            self._stale = False
            owed.append((OwedReply.RSET, transaction))
            lines = b"RSET\r\n" + lines
        owed.append((MAIL, transaction))
        owed.append((RCPT, transaction))
        if self.mode is CHUNKED:
            return lines
        owed.append((DATA, transaction))
        return lines + b"DATA\r\n"

    def _hand_over(self, transaction: Transaction) -> None:
        """Writes the content and, if the mode allows it, the next envelope in the same write."""
        mail = transaction.mail
        pieces: tuple[bytes, ...] = stuffed(mail.content, dotless=mail.dotless)
        following = self._take() if self.mode is PIPELINED and not self._paused else None
        if self._over():
            return
        if not self._may_go(transaction):
            return
        self._envelope = None
        self._owed.append((CONTENT, transaction))
        if following is not None:
            following.behind = True
            pieces += (self._commands(following),)
        transaction.handed = monotonic()
        self._transport.write(b"".join(pieces))

    def _may_go(self, transaction: Transaction) -> bool:
        try:
            self._source.handing_over(transaction.mail)
        except WithdrawnError as error:
            # The server waits for a content: only the end of the connection avoids sending it.
            self._end(EndingKind.CLOSED, words=str(error))
        return not self._over()

    def _fill(self) -> None:
        """Sends as many mails as the window has room for. The first mail of a connection shows
        whether the server can do what it offers, so its content waits for the replies to its
        envelope."""
        window = min(self._window, MOST_REFUSALS - self._refusals) if self._proven else 1
        while len(self._transactions) < window and not self._paused:
            transaction = self._take()
            if transaction is None:
                return
            if not self._proven:
                self._begin(transaction)
                return
            self._hand_over_chunk(transaction)
            if self._over():
                return

    def _hand_over_chunk(self, transaction: Transaction) -> None:
        if not self._may_go(transaction):
            return
        if not self._owed:
            self._since = monotonic()
        envelope_ = b"" if self._envelope is transaction else self._commands(transaction)
        self._envelope = None
        # If the recipient is refused, the transaction stays open and the next recipient would join
        # it.
        self._stale = True
        self._owed.append((CONTENT, transaction))
        content = transaction.mail.content
        transaction.handed = monotonic()
        self._transport.write(b"%bBDAT %d LAST\r\n%b" % (envelope_, len(content), content))


def _fits(kind: OwedReply, code: int) -> bool:
    """Whether the code can be a reply to this command. 220 and 221 only begin and end a session."""
    if kind is OwedReply.QUIT:
        return True
    good = code < 300 and code not in {220, 221}
    if kind is DATA:
        return code == 354 or code >= 400
    if kind is OwedReply.RSET:
        return good
    return good or code >= 400
