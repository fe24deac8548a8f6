"""Modes, mail transactions and endings of an exchange. Pure."""

from collections import deque
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from smtp.mailobjects import MailObject, Outcome
from smtp.replies import Stage


class Mode(StrEnum):
    """How much is sent before replies are awaited, from the fastest to the most careful mode."""

    # Contents by BDAT (RFC 3030): several mails in a round trip.
    CHUNKED = "chunked"
    # A content and the next mail's MAIL, RCPT and DATA in one write: one round trip for each mail.
    PIPELINED = "pipelined"
    # MAIL, RCPT and DATA in one write (RFC 2920), then the content: two round trips.
    GROUPED = "grouped"
    # Command by command: four round trips.
    PLAIN = "plain"


class OwedReply(Enum):
    """The command or content that a reply is owed to."""

    RSET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    CONTENT = auto()
    # A lone dot, the end of an empty content: it ends a DATA that the server allowed although it
    # had refused the envelope.
    DOT = auto()
    QUIT = auto()


STAGES = {
    OwedReply.RSET: Stage.MAIL,
    OwedReply.MAIL: Stage.MAIL,
    OwedReply.RCPT: Stage.RCPT,
    OwedReply.DATA: Stage.DATA,
    OwedReply.CONTENT: Stage.CONTENT,
}


class Transaction:
    """A mail transaction (RFC 5321, 3.3): from a mail's MAIL to the reply to its content."""

    __slots__ = ("behind", "handed", "lines", "mail", "refusal", "todo", "welcome")

    def __init__(self, mail: MailObject, lines: bytes) -> None:
        self.mail = mail
        # The lines MAIL and RCPT.
        self.lines = lines
        # The first reply that refused it.
        self.refusal: Outcome | None = None
        # When its content was written, by the monotonic clock; 0: not yet.
        self.handed = 0.0
        # Its recipient was accepted.
        self.welcome = False
        # Its envelope was written behind the content of another.
        self.behind = False
        # In PLAIN mode, the commands that wait for their turn.
        self.todo: deque[tuple[OwedReply, bytes]] = deque()


# Stands in the queue for commands that belong to no mail.
NOBODY = Transaction(MailObject(0, "", "", b""), b"")


class EndingKind(StrEnum):
    """Why an exchange ended."""

    DRAINED = "drained"  # its owner wanted it
    FULL = "full"  # the messages per connection are used, or too many were refused in a row
    SPENT = "spent"  # the server takes no more mails over this connection, but over others
    IDLE = "idle"  # nothing to send for some time
    CLOSED = "closed"  # by the server while nothing was owed, or aborted
    LOST = "lost"  # the connection broke while a reply was owed
    DESYNC = "desync"  # a reply doesn't fit its command
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"  # 421


@dataclass(frozen=True, slots=True)
class Ending:
    """`code` and `words`: the server's, or 0 and words of ours.

    `suspect`: the server seems to fail at the mode that it offered; a more careful one may work.
    `carried`: with SPENT, the number of mails after which the server said so; 0 if it counts
    something else.
    """

    kind: EndingKind
    code: int = 0
    words: str = ""
    suspect: bool = False
    carried: int = 0
