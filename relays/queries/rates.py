"""Reads a relay's present rates, and locks its row: only one worker reserves at a time."""

from typing import Any

from django.db import connection

from relays.lanes import WHOLE

LOCK = """
SELECT r.next_slot_at, r.failures,
       w.rate, w.closed_until, w.half_open, w.reason
  FROM relays_relay r
  LEFT JOIN relays_lane w ON w.relay_id = r.id AND w.name = %(whole)s
 WHERE r.id = %(relay)s
   FOR NO KEY UPDATE OF r
"""


def lock(relay_id: int) -> tuple[Any, ...]:
    """(next_slot_at, failures; of the relay's own lane: rate, closed_until, half_open, reason).
    Locks until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"relay": relay_id, "whole": WHOLE})
        return tuple(cursor.fetchall()[0])
