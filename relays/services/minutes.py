"""Counts of relays' replies by minute, for the curves of their pages."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from relays.models import Relay, RelayMinute
from relays.queries import clock
from relays.queries import minutes as query

KEPT = timedelta(days=8)


def record(relay: Relay, counts: Mapping[str, tuple[int, float]]) -> None:
    """Adds a batch to the current minute. `counts`: {meaning of smtp.replies, or "unknown":
    (messages, sum of the seconds from content to reply)}."""
    if not counts:
        return
    known: dict[str, Any] = {
        "relay": relay.pk,
        "now": clock.now(),
        "meanings": list(counts),
        "counts": [count for count, _ in counts.values()],
        "seconds": [seconds for _, seconds in counts.values()],
    }
    query.add(known)


def drop_old() -> int:
    """Deletes minutes that no page shows any more. Returns the number of rows."""
    return RelayMinute.objects.filter(minute__lt=clock.now() - KEPT).delete()[0]
