"""What relays answered, minute by minute: the curves of their pages."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection

from relays.models import Relay, RelayMinute
from relays.queries import clock

KEPT = timedelta(days=8)

# One statement a batch. Sorted: two workers never wait for each other crosswise.
ADD = """
INSERT INTO relays_relayminute (relay_id, minute, meaning, count, seconds)
SELECT %(relay)s, date_trunc('minute', %(now)s), meaning, count, seconds
  FROM unnest(%(meanings)s::text[], %(counts)s::int[], %(seconds)s::float8[])
       AS seen (meaning, count, seconds)
 ORDER BY meaning
    ON CONFLICT (relay_id, minute, meaning) DO UPDATE
   SET count = relays_relayminute.count + excluded.count,
       seconds = relays_relayminute.seconds + excluded.seconds
"""


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
    with connection.cursor() as cursor:
        cursor.execute(ADD, known)


def drop_old() -> int:
    """Minutes that no page shows any more. How many rows."""
    return RelayMinute.objects.filter(minute__lt=clock.now() - KEPT).delete()[0]
