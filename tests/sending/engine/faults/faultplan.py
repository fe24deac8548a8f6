"""What goes wrong on a server, as data: printable, so that a failing schedule can be run again.

A fault belongs to a step and hits some of its turns, counted over the server's life from 0: of the
hundred MAIL commands that a server gets, `Fault(Step.MAIL, Does.DROP, at=7, times=2)` hits the
eighth and the ninth.
"""

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"  # some of it has come, not its end
    END = "end"  # the final dot, or the last chunk, has come
    RSET = "rset"
    QUIT = "quit"


# In the order in which a message passes them.
ON_THE_WAY = (Step.MAIL, Step.RCPT, Step.DATA, Step.CONTENT, Step.END)
AT_THE_DOOR = (Step.GREETING, Step.EHLO)


class Does(StrEnum):
    SAY = "say"  # answers `words` instead; 421 closes
    LAST = "last"  # answers `words` and closes
    CLOSE = "close"  # closes instead of answering
    RESET = "reset"  # the same with a RST, which takes along what the other one has not read yet
    SILENT = "silent"  # never answers, never closes
    HOLD = "hold"  # answers when the test lets it
    # The right answer, strangely written:
    SPLIT = "split"  # in single bytes
    TRICKLE = "trickle"  # in single bytes, slowly; `words` instead, if there are any
    MANY = "many"  # hundreds of lines
    LONG = "long"  # a line of 10 kB
    NULS = "nuls"  # NULs in it
    TWICE = "twice"  # and once more: the connection is out of step from there


STRANGE = (Does.SPLIT, Does.TRICKLE, Does.MANY, Does.LONG, Does.NULS)


@dataclass(frozen=True)
class Fault:
    step: Step
    does: Does
    words: bytes = b""  # one reply with its line ends
    at: int = 0
    times: int = 1
    # At END alone: the mail is accepted all the same, before anything is said.
    takes: bool = False

    def hits(self, turn: int) -> bool:
        return self.at <= turn < self.at + self.times


class Breaks(StrEnum):
    """How a server that offers PIPELINING can't do it."""

    FORGETS = "forgets"  # what came along with a command is lost
    REFUSES = "refuses"  # says that it is improper, and closes
    CLOSES = "closes"
    MUMBLES = "mumbles"  # of commands that came together it answers the last one alone


@dataclass(frozen=True)
class Character:
    """What a server offers, and whether that is true."""

    pipelining: bool = True
    chunking: bool = False
    breaks: Breaks | None = None
    # A message takes this long, in seconds, from its end to its reply.
    delay: float = 0.0
    # A large content doesn't fit into the kernel's buffers: half of it stays with the client.
    narrow: bool = False
    # Recipients there are refused: 550 at RCPT.
    unknown_domain: str = "nobody.example"


@dataclass(frozen=True)
class Mail:
    """One that was accepted."""

    sender: str
    recipient: str
    content: bytes
    connection: int
