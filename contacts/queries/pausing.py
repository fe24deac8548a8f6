"""Pauses that people chose: suppressions of their addresses, for advertising, that end.

They are rows of their own (the index pause_once), so that a pause neither hides nor lifts another
suppression that ends, such as one because of soft bounces.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from contacts.models import Suppression
from contacts.provenance import Source

# A pause that is over gives its place to the new one, and stays as history.
CLOSE = """
UPDATE contacts_suppression SET lifted_at = until
 WHERE workspace_id = %(workspace)s AND kind = 'address' AND value = ANY(%(values)s)
   AND reason = 'paused' AND lifted_at IS NULL AND until <= now()
"""
# The person's last word counts, also a shorter pause. Sorted: no deadlock with another writer.
PAUSE = """
INSERT INTO contacts_suppression
    (workspace_id, kind, value, reason, source_kind, source_id, detail, until, created_at)
SELECT %(workspace)s, 'address', value, 'paused', %(source_kind)s, %(source_id)s, '', %(until)s,
       now()
  FROM unnest(%(values)s::text[]) AS given (value) ORDER BY value
ON CONFLICT (workspace_id, kind, value)
      WHERE lifted_at IS NULL AND until IS NOT NULL AND reason = 'paused' DO UPDATE
  SET until = excluded.until, source_kind = excluded.source_kind, source_id = excluded.source_id
"""


def pause(workspace_id: int, values: Sequence[str], *, until: datetime, source: Source) -> None:
    given = {
        "workspace": workspace_id,
        "values": sorted(values),
        "until": until,
        **source.columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, given)
        cursor.execute(PAUSE, given)


def in_force(stops: Sequence[Suppression]) -> Suppression | None:
    """The pause among suppressions that are in force."""
    return next((stop for stop in stops if stop.reason == Suppression.Reason.PAUSED), None)
