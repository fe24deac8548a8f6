"""Takes hits out of their table, for recording."""

from datetime import datetime
from typing import Any

from django.db import connection

# SKIP LOCKED: several workers may record different hits at once. The delete belongs to the
# transaction that records the hits, so a killed worker neither loses a hit nor counts it twice.
TAKE = """
DELETE FROM tracking_hit WHERE id = ANY(ARRAY(
  SELECT id FROM tracking_hit ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING message_id, kind, at, link, actor, user_agent
"""

# In sets as well, and without any person. Hits of mailings that are gone are dropped.
TAKE_PICTURES = """
WITH taken AS (
  DELETE FROM tracking_picturehit WHERE id = ANY(ARRAY(
    SELECT id FROM tracking_picturehit ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
  RETURNING mailing_id, minute)
SELECT mailing_id, minute, count(*) FROM taken GROUP BY 1, 2
"""


def take_pictures(number: int) -> list[tuple[int, datetime, int]]:
    """Deletes up to `number` hits. Returns rows (mailing id, minute, number of hits). To be called
    within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_PICTURES, [number])
        return list(cursor.fetchall())


def take(number: int) -> list[tuple[Any, ...]]:
    """Deletes and returns up to `number` rows (message id, kind, at, link, actor, user agent).
    To be called within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [number])
        return list(cursor.fetchall())
