"""Counts how often the common pixel of a mailing's mails was loaded: a number without persons."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

# Only for mailings that count in this way. The tallies are locked first, in the order of their ids,
# as by queries.events.
COUNT = """
WITH given AS (
  SELECT g.* FROM unnest(%(mailings)s::bigint[], %(minutes)s::timestamptz[], %(counts)s::int[])
                  AS g (mailing_id, minute, n)
    JOIN sending_mailing m ON m.id = g.mailing_id AND m.open_counting = 'totals'),
summed AS (SELECT mailing_id, sum(n) AS n FROM given GROUP BY 1 ORDER BY 1),
moved AS (
  UPDATE sending_tally t SET pictures_loaded = pictures_loaded + n
    FROM summed WHERE t.mailing_id = summed.mailing_id
  RETURNING t.mailing_id)
INSERT INTO sending_tallyminute
       (mailing_id, minute, accepted, failed, bounced, opened, clicked, unsubscribed,
        pictures_loaded)
SELECT mailing_id, minute, 0, 0, 0, 0, 0, 0, sum(n)
  FROM given JOIN moved USING (mailing_id)
 GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (mailing_id, minute) DO UPDATE
   SET pictures_loaded = sending_tallyminute.pictures_loaded + excluded.pictures_loaded
"""


def count(rows: Sequence[tuple[int, datetime, int]]) -> None:
    """Adds rows (mailing id, minute, number) to the counts. Needs a transaction."""
    if not rows:
        return
    mailings, minutes, counts = zip(*rows, strict=True)
    known: dict[str, Any] = {
        "mailings": list(mailings),
        "minutes": list(minutes),
        "counts": list(counts),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, known)
