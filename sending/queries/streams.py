"""Messages of streams are appended, and streams of which nothing waits are found."""

from typing import Any

from django.db import connection

from sending.queries.due import SENT

# The keys that are new get a message each; the others have one.
APPEND = """
WITH given AS (
  SELECT * FROM unnest(%(keys)s::text[], %(addresses)s::text[], %(contacts)s::bigint[],
                       %(data)s::text[], %(variants)s::smallint[], %(lanes)s::smallint[])
             AS g (key, address, contact_id, data, variant, lane)),
fresh AS (
  INSERT INTO sending_streamitem (message_id, mailing_id, key, data, created_at)
  SELECT nextval(pg_get_serial_sequence('sending_message', 'id')), %(mailing)s, key, data::jsonb,
         now()
    FROM given
  ON CONFLICT (mailing_id, key) DO NOTHING
  RETURNING message_id, key),
made AS (
  INSERT INTO sending_message
         (id, mailing_id, contact_id, address, lane, variant, repeats, state, attempts, reason,
          reply, retry_at)
  SELECT fresh.message_id, %(mailing)s, contact_id, address, lane, variant, true, 0, 0, '', '',
         now()
    FROM fresh JOIN given USING (key)
  RETURNING id),
counted AS (
  UPDATE sending_tally
     SET targeted = targeted + (SELECT count(*) FROM made),
         waiting = waiting + (SELECT count(*) FROM made)
   WHERE mailing_id = %(mailing)s AND EXISTS (SELECT 1 FROM made))
SELECT key, message_id FROM fresh
"""

# Nothing of it waits, is claimed, or is to be tried again.
QUIET = f"""
SELECT m.id FROM sending_mailing m
 WHERE {SENT} AND m.kind = 'stream' AND m.closed_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id)
   AND NOT EXISTS (SELECT 1 FROM sending_message r
                    WHERE r.mailing_id = m.id AND r.retry_at IS NOT NULL)
"""  # noqa: S608 - only constants of ours


def share(stream_id: int) -> None:
    """Whoever makes the stream idle or closes it waits from here on, and sees what is appended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sending_mailing WHERE id = %s FOR SHARE", [stream_id])


def append(columns: dict[str, Any]) -> dict[str, int]:
    """{key: id of its message} of those whose keys are new; see APPEND for the columns."""
    with connection.cursor() as cursor:
        cursor.execute(APPEND, columns)
        return dict(cursor.fetchall())


def quiet() -> list[int]:
    """Ids of streams of which nothing is left to do."""
    with connection.cursor() as cursor:
        cursor.execute(QUIET)
        return [row[0] for row in cursor.fetchall()]


def lock_quiet(stream_id: int) -> bool:
    """Whether nothing is left, now that nobody can append; within a transaction."""
    with connection.cursor() as cursor:
        # What was appended meanwhile is seen by the second statement.
        cursor.execute("SELECT 1 FROM sending_mailing WHERE id = %s FOR UPDATE", [stream_id])
        cursor.execute(f"{QUIET} AND m.id = %s", [stream_id])
        return cursor.fetchone() is not None
