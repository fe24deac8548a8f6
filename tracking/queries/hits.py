"""Hits are taken by those who record them."""

from typing import Any

from django.db import connection

# SKIP LOCKED: several workers may record at once, each other hits. Deleted in the transaction that
# records them: a hit is counted once, whatever is killed when.
TAKE = """
DELETE FROM tracking_hit WHERE id = ANY(ARRAY(
  SELECT id FROM tracking_hit ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING message_id, kind, at, link, user_agent
"""


def take(number: int) -> list[tuple[Any, ...]]:
    """Up to so many rows of (message id, kind, at, link, user agent); within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [number])
        return list(cursor.fetchall())
