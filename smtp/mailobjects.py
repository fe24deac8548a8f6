"""What is sent, and what became of it. Pure."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from smtp.exceptions import SmtpError
from smtp.replies import Stage, Verdict, classify


class End(Enum):
    """How far a mail got, with certainty.

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
    """`code` and `words` are the server's reply; where there was none, 0 and words of ours.

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
        """Code and words; the words alone where no server spoke."""
        return f"{self.code} {self.words}" if self.code else self.words


def refused(code: int, words: str, stage: Stage, seconds: float = 0.0) -> Outcome:
    """What a server refused. Here, once, it is looked up what its reply means."""
    return Outcome(End.REFUSED, code, words, stage, seconds, classify(code, words, stage))


@dataclass(slots=True)
class MailObject:
    """The envelope and the content of one mail (RFC 5321, 2.3.1), for one recipient. `content` has
    CRLF line ends, also at its end, and isn't dot-stuffed; `dotless`: whoever made it vouches that
    no line of it begins with a dot, which spares a search that costs as much as the rest of the
    exchange."""

    key: int
    sender: str
    recipient: str
    content: bytes
    dotless: bool = False


class WithdrawnError(SmtpError):
    """By now, the mail isn't its source's to send."""


class Source(Protocol):
    """Where an exchange gets its mails from. None of these may wait for anything."""

    def next(self) -> MailObject | None:
        """The next mail; None: there is none now, `Exchange.wake()` says when there may be."""

    def handing_over(self, mail: MailObject) -> None:
        """Called right before the content is written. Raises WithdrawnError where it may not be any
        more; the connection ends then."""

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        """Called exactly once for every mail that `next()` gave."""
