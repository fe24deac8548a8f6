"""What relays answered, minute by minute: the curves of their pages."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from relays.models import Relay, RelayMinute
from relays.queries import clock
from relays.queries import minutes as query

KEPT = timedelta(days=8)


def record(relay: Relay, counts: Mapping[str, tuple[int, float]]) -> None:
    """Adds {meaning of smtp.replies, or "unknown": (messages, seconds from content to reply in
    sum)} of a batch to the minute that runs."""
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
    """Minutes that no page shows any more. How many rows."""
    return RelayMinute.objects.filter(minute__lt=clock.now() - KEPT).delete()[0]
