"""What a mail is for, and what follows from it: the one table. Pure.

Advertising goes to people who want it, and each mail offers to leave at once (RFC 8058). A notice
answers what a person did (an order, a password reset): it also goes to people who left the lists,
and says that a machine wrote it (RFC 3834).
"""

from dataclasses import dataclass

ADVERTISING, NOTICE = "advertising", "notice"


@dataclass(frozen=True, slots=True)
class PurposeRules:
    # Reasons of suppressions that stop no mail of this purpose. Nobody may ignore a complaint, a
    # hard bounce or an address that was suppressed by hand.
    ignored: tuple[str, ...]
    # List-Unsubscribe and List-Unsubscribe-Post; else Auto-Submitted.
    offers_to_leave: bool
    # Whether it counts where people are left out who were mailed within so many hours.
    counts_as_mailed: bool
    # Mailing.priority: lower goes first.
    priority: int
    tracked: bool


RULES = {
    ADVERTISING: PurposeRules(
        (), offers_to_leave=True, counts_as_mailed=True, priority=10, tracked=True
    ),
    NOTICE: PurposeRules(
        ("unsubscribed",), offers_to_leave=False, counts_as_mailed=False, priority=0, tracked=False
    ),
}
# Mailing.priority: while something of this priority is due, nothing else is sent.
TRANSACTIONAL = RULES[NOTICE].priority
