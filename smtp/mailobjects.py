"""Mails to send and their outcomes. Pure."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Protocol

from smtp.exceptions import SmtpError

# A code of ours, not of SMTP: this relay can't carry an address with non-ASCII letters.
NO_SMTPUTF8 = 2


class End(Enum):
    """What became of a mail.

    REFUSED: the server refused it. NOT_HANDED_OVER: its content certainly wasn't accepted.
    NEXT_CONNECTION: the same, because this connection takes no more mails; the mail may go over
    another one at once. IN_DOUBT: its content was written and no reply was read.
    """

    ACCEPTED = auto()
    REFUSED = auto()
    NOT_HANDED_OVER = auto()
    NEXT_CONNECTION = auto()
    IN_DOUBT = auto()


class Stage(StrEnum):
    """The step that an outcome came from."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"


@dataclass(slots=True)
class Outcome:
    """`code` and `words` are the server's reply; without a reply, 0 and words of ours.

    `seconds`: from the writing of the content to its reply.
    """

    end: End
    code: int = 0
    words: str = ""
    stage: Stage = Stage.CONNECT
    seconds: float = 0.0


@dataclass(slots=True)
class MailObject:
    """The envelope and the content of one mail (RFC 5321, 2.3.1), for one recipient. `content` has
    CRLF line ends, also at its end, and isn't dot-stuffed. `dotless`: the caller guarantees that no
    line begins with a dot, which saves a search that costs as much as the rest of the exchange."""

    key: int
    sender: str
    recipient: str
    content: bytes
    dotless: bool = False


class WithdrawnError(SmtpError):
    """The source may no longer send this mail."""


class Source(Protocol):
    """Where an exchange gets its mails from. The methods must not block."""

    def next(self) -> MailObject | None:
        """The next mail. None: no mail is ready; call `Exchange.wake()` when one may be."""

    def handing_over(self, mail: MailObject) -> None:
        """Called right before the content is written. Raises WithdrawnError if the mail may no
        longer be sent; the connection ends then."""

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        """Called exactly once for every mail that `next()` returned."""
