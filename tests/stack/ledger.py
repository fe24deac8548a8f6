"""A mailing's ledger, read from outside of the installation."""

from typing import Any

from tests.stack.installation import Installation

LEDGER = (
    "SELECT m.state, t.targeted, t.waiting, t.in_flight, t.accepted, t.failed, t.skipped, t.unknown"
    " FROM sending_mailing m JOIN sending_tally t ON t.mailing_id = m.id WHERE m.id = %s"
)
NAMES = ("state", "targeted", "waiting", "in_flight", "accepted", "failed", "skipped", "unknown")


def ledger(installation: Installation, mailing: int) -> dict[str, Any]:
    """The tally at one commit; it adds up at each."""
    tally = dict(zip(NAMES, installation.rows(LEDGER, mailing)[0], strict=True))
    assert tally["targeted"] == sum(tally[name] for name in NAMES[2:])
    return tally
