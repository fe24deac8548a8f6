"""Can a relay carry something now? The one text of the rule, for SQL and for the ORM; its Python is
`Relay.takes` and `Relay.rests`.

Its state lets it: it is active, or it is draining and the mailing was opened before that began. And
it waits for nothing. Limits and lanes are asked when pace is reserved (relays.services.pace).
"""

from datetime import datetime

from django.db.models import Q

from relays.models import Relay

State = Relay.State

# Of `{relay}`, a row of relays_relay: it takes what was opened at `{opened}`.
TAKES = (
    f"({{relay}}.state = '{State.ACTIVE.value}'"
    f" OR ({{relay}}.state = '{State.DRAINING.value}' AND {{opened}} <= {{relay}}.draining_since))"
)
# It waits for no limit and for no answer of its server.
READY = "({relay}.wait_until IS NULL OR {relay}.wait_until <= {now})"


def able(relay: str, *, opened: str, now: str = "now()") -> str:
    """SQL: the relay carries now what was opened then."""
    takes = TAKES.format(relay=relay, opened=opened)
    return f"({takes} AND {READY.format(relay=relay, now=now)})"


def is_able(opened_at: datetime, now: datetime) -> Q:
    """As `able`, a condition on relays."""
    active = Q(state=State.ACTIVE)
    draining = Q(state=State.DRAINING, draining_since__gte=opened_at)
    return (active | draining) & (Q(wait_until=None) | Q(wait_until__lte=now))
