"""Takes hits out of their table, for recording."""

from datetime import datetime
from typing import Any

from django.db import connection

from tracking.models import LOOKED

# SKIP LOCKED: several workers may record different hits at once. The delete belongs to the
# transaction that records the hits, so a killed worker neither loses a hit nor counts it twice.
TAKE = """
DELETE FROM tracking_hit WHERE id = ANY(ARRAY(
  SELECT id FROM tracking_hit WHERE {which} ORDER BY id LIMIT %(number)s FOR UPDATE SKIP LOCKED))
RETURNING message_id, kind, at, link, actor, user_agent
"""
COUNTING = f"kind <> '{LOOKED}'"
# Looks wait until every click of the same seconds is taken with them or is stored: forgotten
# earlier, they would be missing when such a click is judged.
LOOKS = f"kind = '{LOOKED}' AND at < %(until)s"

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


def take(number: int, *, looks_until: datetime) -> list[tuple[Any, ...]]:
    """Deletes and returns up to `number` rows (message id, kind, at, link, actor, user agent).
    Looks come last, and only those before `looks_until`. To be called within a transaction."""
    rows: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for which in (COUNTING, LOOKS):
            if left := number - len(rows):
                given: dict[str, Any] = {"number": left, "until": looks_until}
                cursor.execute(TAKE.format(which=which), given)
                rows += cursor.fetchall()
    return rows
