"""The replies of a relay by minute, added in sets."""

from typing import Any

from django.db import connection

# One statement for a batch. Sorted, so that two workers can't deadlock.
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


def add(columns: dict[str, Any]) -> None:
    """See ADD for the columns."""
    with connection.cursor() as cursor:
        cursor.execute(ADD, columns)
