"""What a mail in a bounce mailbox says. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """The values are kept in BounceMail.kind."""

    HARD = "hard"  # the address does not exist
    SOFT = "soft"  # not delivered this time: full, too large, the server is in trouble
    BLOCKED = "blocked"  # refused for its content, sender or reputation
    DELAYED = "delayed"  # still being tried
    COMPLAINT = "complaint"  # a person called it spam (RFC 5965)
    AUTO_REPLY = "auto_reply"  # out of office, and the like (RFC 3834)
    CHALLENGE = "challenge"  # asks the sender to confirm
    OTHER = "other"  # none of these


@dataclass(frozen=True, slots=True)
class Original:
    """What can be read of the message that came back."""

    message_ids: tuple[str, ...] = ()  # without angle brackets
    tokens: tuple[str, ...] = ()  # X-Yanshu-Message
    unsubscribe_urls: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()  # envelope senders


@dataclass(frozen=True, slots=True)
class Report:
    kind: Kind
    # Whom it could not be delivered to, as the server wrote them.
    recipients: tuple[str, ...] = ()
    status: str = ""  # enhanced status code (RFC 3463), such as "5.1.1"
    diagnostic: str = ""  # the server's words
    # What decided `kind`: "5.1.1", "action: delayed", "text: user unknown".
    why: str = ""
    sender: str = ""
    subject: str = ""
    # The addresses it came to: To, Delivered-To, ...
    delivered_to: tuple[str, ...] = ()
    arrived: datetime | None = None
    original: Original = field(default_factory=Original)
