"""Whether a relay can carry a mailing now: the rule for SQL and for the ORM. Its form in Python is
`Relay.takes` and `Relay.rests`.

The relay must be active, or draining and the mailing opened before that. And it must not wait.
Limits and lanes are checked when pace is reserved (relays.services.pace).
"""

from datetime import datetime

from django.db.models import Q

from relays.models import Relay

State = Relay.State

# The relay `{relay}`, a row of relays_relay, takes a mailing that was opened at `{opened}`.
TAKES = (
    f"({{relay}}.state = '{State.ACTIVE.value}'"
    f" OR ({{relay}}.state = '{State.DRAINING.value}' AND {{opened}} <= {{relay}}.draining_since))"
)
# The relay doesn't wait.
READY = "({relay}.wait_until IS NULL OR {relay}.wait_until <= {now})"


def able(relay: str, *, opened: str, now: str = "now()") -> str:
    """SQL: the relay can now carry a mailing that was opened at `opened`."""
    takes = TAKES.format(relay=relay, opened=opened)
    return f"({takes} AND {READY.format(relay=relay, now=now)})"


def is_able(opened_at: datetime, now: datetime) -> Q:
    """The condition `able` on relays, for the ORM."""
    active = Q(state=State.ACTIVE)
    draining = Q(state=State.DRAINING, draining_since__gte=opened_at)
    return (active | draining) & (Q(wait_until=None) | Q(wait_until__lte=now))
