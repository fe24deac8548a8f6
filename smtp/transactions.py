"""What an exchange keeps of each mail transaction, and of how it ends. Pure."""

from collections import deque
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from smtp.mailobjects import MailObject, Outcome
from smtp.replies import Stage


class Mode(StrEnum):
    """How much is said before replies are awaited, from fast to careful."""

    # Contents with BDAT (RFC 3030): several mails a round trip.
    CHUNKED = "chunked"
    # A content and the next mail's MAIL, RCPT and DATA in one write: one round trip a mail.
    PIPELINED = "pipelined"
    # MAIL, RCPT and DATA in one write (RFC 2920), then the content: two.
    GROUPED = "grouped"
    # Command by command: four.
    PLAIN = "plain"


class OwedReply(Enum):
    """What is owed a reply."""

    RSET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    CONTENT = auto()
    # The end of a content that isn't there: the way out of a DATA that nobody should have allowed.
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
    """A mail transaction (RFC 5321, 3.3): one mail on its way, from its MAIL to the reply to its
    content."""

    __slots__ = ("behind", "handed", "lines", "mail", "refusal", "todo", "welcome")

    def __init__(self, mail: MailObject, lines: bytes) -> None:
        self.mail = mail
        # MAIL and RCPT.
        self.lines = lines
        # The first reply that refused it.
        self.refusal: Outcome | None = None
        # When its content was written, by the monotonic clock; 0: it wasn't.
        self.handed = 0.0
        # Its recipient was accepted.
        self.welcome = False
        # Its envelope was written behind the content of another.
        self.behind = False
        # In PLAIN mode, the commands that wait for their turn.
        self.todo: deque[tuple[OwedReply, bytes]] = deque()


# For what is owed a reply and concerns no mail.
NOBODY = Transaction(MailObject(0, "", "", b""), b"")


class EndingKind(StrEnum):
    """Why an exchange ended."""

    DRAINED = "drained"  # its owner wanted it
    FULL = "full"  # the messages per connection are used, or too many were refused in a row
    SPENT = "spent"  # the server takes no more mails over this connection, but over others
    IDLE = "idle"  # nothing to send for some time
    CLOSED = "closed"  # by the server while nothing was owed, or aborted
    LOST = "lost"  # the connection broke while a reply was owed
    DESYNC = "desync"  # what was read is no reply to what was said
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"  # 421


@dataclass(frozen=True, slots=True)
class Ending:
    """`code` and `words`: the server's, or words of ours.

    `suspect`: the server doesn't seem to manage the mode that it offered; a more careful one may
    work. `carried`: of a SPENT one, after how many mails the server said so, where it counts mails.
    """

    kind: EndingKind
    code: int = 0
    words: str = ""
    suspect: bool = False
    carried: int = 0
