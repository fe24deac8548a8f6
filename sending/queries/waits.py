"""What every live mailing has left and waits for, read and written in sets."""

from typing import Any

from django.db import connection

from sending.queries.blocks import of_live
from sending.queries.due import SENT

# Every live mailing: what it says now, what it has of its own, and what of it is left. Each part is
# one look into an index, whatever its size.
LIVE = f"""
SELECT m.id, m.wait_reason, m.wait_until, m.waits, m."window", m.opened_at, m.relay_id, m.pool_id,
       CASE WHEN m.per_minute IS NOT NULL THEN m.next_slot_at END,
       ARRAY(SELECT lane FROM sending_mailinglane l
              WHERE l.mailing_id = m.id AND l.next_id <= l.last_id),
       EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id),
       (SELECT min(retry_at) FROM sending_message r
         WHERE r.mailing_id = m.id /* of r */ AND r.retry_at IS NOT NULL AND r.reason <> 'held')
  FROM sending_mailing m
 WHERE {SENT}
"""  # noqa: S608 - only constants of ours

SAY = """
UPDATE sending_mailing m
   SET wait_reason = w.reason, wait_until = w.until, waits = w.waits::jsonb
  FROM unnest(%(ids)s::bigint[], %(reasons)s::text[], %(untils)s::timestamptz[], %(waits)s::text[])
       AS w (id, reason, until, waits)
 WHERE m.id = w.id AND m.state = 'sending'
"""


def live() -> list[tuple[Any, ...]]:
    """A row for each mailing that is sent; see LIVE for the columns."""
    with connection.cursor() as cursor:
        cursor.execute(of_live(LIVE))
        return list(cursor.fetchall())


def say(columns: dict[str, Any]) -> None:
    """Writes what mailings wait for; see SAY for the columns."""
    with connection.cursor() as cursor:
        cursor.execute(SAY, columns)
