"""The rules for each purpose of a mail, in one table. Pure.

Advertising goes to people who want it, and each mail offers to leave at once (RFC 8058). A notice
answers what a person did (an order, a password reset): it also goes to people who left the lists,
and is marked as written by a machine (RFC 3834).
"""

from dataclasses import dataclass

ADVERTISING, NOTICE = "advertising", "notice"


@dataclass(frozen=True, slots=True)
class PurposeRules:
    # Reasons of suppressions that don't stop mails of this purpose. Complaints, hard bounces and
    # addresses suppressed by hand are never ignored.
    ignored: tuple[str, ...]
    # Headers List-Unsubscribe and List-Unsubscribe-Post; otherwise Auto-Submitted.
    offers_to_leave: bool
    # Whether it counts when an audience leaves out people who were mailed lately.
    counts_as_mailed: bool
    # Mailing.priority: lower goes first.
    priority: int
    tracked: bool
    # Whether the rules of the recipients' markets hold (sending.markets).
    has_market_rules: bool


RULES = {
    ADVERTISING: PurposeRules(
        (),
        offers_to_leave=True,
        counts_as_mailed=True,
        priority=10,
        tracked=True,
        has_market_rules=True,
    ),
    NOTICE: PurposeRules(
        ("paused", "unsubscribed"),
        offers_to_leave=False,
        counts_as_mailed=False,
        priority=0,
        tracked=False,
        has_market_rules=False,
    ),
}
# Mailing.priority: while mail of this priority is due, nothing else is sent.
TRANSACTIONAL = RULES[NOTICE].priority
