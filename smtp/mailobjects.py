"""Mails to send and their outcomes. Pure."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from smtp.exceptions import SmtpError
from smtp.replies import Stage, Verdict, classify


class End(Enum):
    """What became of a mail.

    REFUSED: the server said so, or this client knew before that it would. NOT_COMPOSED: the mail
    could not be made. NEEDS_SMTPUTF8: an address has other letters than ASCII, and the server
    doesn't offer SMTPUTF8 (RFC 6531). NOT_HANDED_OVER: its content certainly wasn't accepted.
    NEXT_CONNECTION: the same, because this connection takes no more mails: it may go over another
    one at once. IN_DOUBT: its content was written, its reply never read.
    """

    ACCEPTED = auto()
    REFUSED = auto()
    NOT_COMPOSED = auto()
    NEEDS_SMTPUTF8 = auto()
    NOT_HANDED_OVER = auto()
    NEXT_CONNECTION = auto()
    IN_DOUBT = auto()


@dataclass(slots=True)
class Outcome:
    """`code` and `words` are the server's reply; without a reply, 0 and words of ours.

    `stage`: the step that it came from. `seconds`: from the writing of the content to its reply.
    `verdict`: what a refusal means; all that is REFUSED has one, and nothing else.
    """

    end: End
    code: int = 0
    words: str = ""
    stage: Stage = Stage.UNKNOWN
    seconds: float = 0.0
    verdict: Verdict | None = None

    @property
    def reply(self) -> str:
        """Code and words; without a server's reply, the words alone."""
        return f"{self.code} {self.words}" if self.code else self.words


def refused(code: int, words: str, stage: Stage, seconds: float = 0.0) -> Outcome:
    """The outcome of a server's refusal. This is the one place that looks up a reply's meaning."""
    return Outcome(End.REFUSED, code, words, stage, seconds, classify(code, words, stage))


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


class MailSupply(Protocol):
    """Where an exchange gets its mails from. The methods must not block."""

    def next(self) -> MailObject | None:
        """The next mail. None: no mail is ready; call `Exchange.wake()` when one may be."""

    def handing_over(self, mail: MailObject) -> None:
        """Called right before the content is written. Raises WithdrawnError if the mail may no
        longer be sent; the connection ends then."""

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        """Called exactly once for every mail that `next()` returned."""
