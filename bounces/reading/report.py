"""What a mail in a bounce mailbox says. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from smtp.events import MailEvent


class ReportKind(StrEnum):
    """The values are kept in BounceMail.kind."""

    # The address does not exist.
    HARD_BOUNCED = MailEvent.HARD_BOUNCED
    # Not delivered this time: full, too large, the server is in trouble.
    SOFT_BOUNCED = MailEvent.SOFT_BOUNCED
    # Refused for its content, sender or reputation.
    BLOCKED = MailEvent.BLOCKED
    # Still being tried.
    DELAYED = MailEvent.DELAYED
    # A person called it spam (RFC 5965).
    COMPLAINED = MailEvent.COMPLAINED
    # Out of office, and the like (RFC 3834).
    AUTO_REPLIED = MailEvent.AUTO_REPLIED
    # Asks the sender to confirm.
    CHALLENGED = MailEvent.CHALLENGED
    # None of these.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Original:
    """What can be read of the message that came back."""

    message_ids: tuple[str, ...] = ()  # without angle brackets
    tokens: tuple[str, ...] = ()  # X-Yanshu-Message
    unsubscribe_urls: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()  # envelope senders


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report with several recipients says of one of them."""

    recipient: str
    kind: ReportKind
    status: str = ""
    diagnostic: str = ""
    why: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    # The worst of its recipients'.
    kind: ReportKind
    # Whom it could not be delivered to, as the server wrote them.
    recipients: tuple[str, ...] = ()
    status: str = ""  # enhanced status code (RFC 3463), such as "5.1.1"
    diagnostic: str = ""  # the server's words
    # What decided `kind`, for people: "action: delayed", "address: user unknown".
    why: str = ""
    # The rule of smtp.replies that decided, or the table of bounces.toml; "" for none.
    rule: str = ""
    # Each recipient of a machine-readable report by itself.
    failures: tuple[Failure, ...] = ()
    sender: str = ""
    subject: str = ""
    # The addresses it came to: To, Delivered-To, ...
    delivered_to: tuple[str, ...] = ()
    arrived: datetime | None = None
    original: Original = field(default_factory=Original)

    def about(self, address: str) -> "Report":
        """What it says of this recipient; itself where it doesn't tell them apart."""
        for one in self.failures:
            if one.recipient.lower() == address.lower():
                return replace(
                    self,
                    kind=one.kind,
                    status=one.status,
                    diagnostic=one.diagnostic,
                    why=one.why,
                    rule=one.rule,
                )
        return self
