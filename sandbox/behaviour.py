"""The behaviour of magic addresses, by local part: reject@, bounce+anything@, full7@... Pure."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from smtp.events import MailEvent

# After the word: nothing, a number, or a tag.
LOCAL_PART = re.compile(r"([a-z]+)(?:\d+|[+-].*)?", re.IGNORECASE)


class SandboxOutcome(StrEnum):
    """The result of an accepted mail. The codes are those of smtp.events.MailEvent."""

    DELIVERED = "delivered"
    HARD_BOUNCED = MailEvent.HARD_BOUNCED
    SOFT_BOUNCED = MailEvent.SOFT_BOUNCED
    BLOCKED = MailEvent.BLOCKED
    DELAYED = MailEvent.DELAYED
    COMPLAINED = MailEvent.COMPLAINED
    AUTO_REPLIED = MailEvent.AUTO_REPLIED


@dataclass(frozen=True, slots=True)
class Refusal:
    """Refuses until `tries` tries were made and `seconds` have passed since the first. `replies`:
    to the first tries; the last one is repeated."""

    replies: tuple[str, ...]
    tries: int = 1
    seconds: float = 0.0

    def reply(self, tries: int, elapsed: float) -> str:
        """The reply to try number `tries` (from 1); "" if the mail is accepted."""
        if tries > self.tries and elapsed >= self.seconds:
            return ""
        return self.replies[min(tries, len(self.replies)) - 1]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`at_recipient`: the refusal after RCPT. `at_content`: the refusal after DATA. `pause`:
    seconds before the reply to DATA. `outcome`: decides what comes back after the mail was
    accepted."""

    word: str
    what: str | Promise
    at_recipient: Refusal | None = None
    at_content: Refusal | None = None
    pause: float = 0.0
    outcome: SandboxOutcome = SandboxOutcome.DELIVERED


PLAIN = Behaviour("", _("Any other address: accepted and kept."))

BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(
        "reject",
        _("Refused at once: the server says that there is no such mailbox (550)."),
        at_recipient=Refusal(("550 5.1.1 No such mailbox here",), seconds=math.inf),
    ),
    Behaviour(
        "spam",
        _("Refused after the content: the server takes it for spam (554)."),
        at_content=Refusal(("554 5.7.1 Message refused as spam",), seconds=math.inf),
    ),
    Behaviour(
        "defer",
        _("Refused for now at the first try (451), accepted at the next."),
        at_recipient=Refusal(("451 4.3.0 Not now, try again later",)),
    ),
    Behaviour(
        "greylist",
        _("Newcomers are asked to come again (450); accepted 10 seconds after the first try."),
        at_recipient=Refusal(("450 4.7.1 Greylisted, try again in 10 seconds",), seconds=10),
    ),
    Behaviour(
        "full",
        _("The mailbox is full (452) for a minute after the first try, then the mail is accepted."),
        at_recipient=Refusal(("452 4.2.2 The mailbox is full",), seconds=60),
    ),
    Behaviour(
        "rate",
        _("Too many mails (421, then 450) for 20 seconds after the first try, then accepted."),
        at_recipient=Refusal(
            (
                "421 4.7.0 Too many messages, slow down",
                "450 4.7.1 Rate limit exceeded, slow down",
            ),
            seconds=20,
        ),
    ),
    Behaviour("slow", _("Taken after five seconds."), pause=5.0),
    Behaviour(
        "bounce",
        _("Taken, then returned: the mailbox does not exist (5.1.1). Suppresses the contact."),
        outcome=SandboxOutcome.HARD_BOUNCED,
    ),
    Behaviour(
        "softbounce",
        _("Taken, then returned: the mailbox is full (4.2.2). Does not suppress the contact."),
        outcome=SandboxOutcome.SOFT_BOUNCED,
    ),
    Behaviour(
        "blocked",
        _("Taken, then returned: refused by the recipient's mail filter (5.7.1)."),
        outcome=SandboxOutcome.BLOCKED,
    ),
    Behaviour(
        "delayed",
        _("Taken, then a notice that the delivery is delayed (4.4.1). Not a bounce."),
        outcome=SandboxOutcome.DELAYED,
    ),
    Behaviour(
        "complain",
        _("Taken, then reported as spam by the recipient (ARF). Suppresses the contact."),
        outcome=SandboxOutcome.COMPLAINED,
    ),
    Behaviour(
        "autoreply",
        _("Taken, then an out-of-office reply. Not a bounce."),
        outcome=SandboxOutcome.AUTO_REPLIED,
    ),
)
BY_WORD = {behaviour.word: behaviour for behaviour in BEHAVIOURS}
BY_OUTCOME = {
    behaviour.outcome: behaviour
    for behaviour in BEHAVIOURS
    if behaviour.outcome != SandboxOutcome.DELIVERED
}


def of(recipient: str) -> Behaviour:
    """The behaviour that the recipient's address asks for."""
    found = LOCAL_PART.fullmatch(recipient.rpartition("@")[0])
    return BY_WORD.get(found[1].lower(), PLAIN) if found else PLAIN
