"""Messages of streams are appended, and streams of which nothing waits are found. A stream may be
open for years: whoever asks what was sent of it lately reads a stated number of its messages."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from contacts.languages import ATTRIBUTE
from sending import blocks
from sending.queries.blocks import of_live
from sending.queries.due import ROUTED, SENT
from sending.queries.freeze import OF_LANGUAGE, columns
from sending.variants import Share

# What a relay did for a stream longer ago says nothing about the relay today.
LATELY = timedelta(days=1)

# Of an item without a variant: by the language of its data, else of its contact.
SPOKEN = f"""
coalesce(data::jsonb ->> '{ATTRIBUTE}',
         (SELECT c.attributes ->> '{ATTRIBUTE}' FROM contacts_contact c WHERE c.id = contact_id))
"""  # noqa: S608 - only constants of ours
CHANCE = "(hashtextextended(key, %(mailing)s) & 1048575)::int"
CHOSEN = f"coalesce(variant, {OF_LANGUAGE.format(tag=SPOKEN, chance=CHANCE)})"

# The keys that are new get a message each; the others have one.
APPEND = """
WITH given AS (
  SELECT * FROM unnest(%(keys)s::text[], %(addresses)s::text[], %(contacts)s::bigint[],
                       %(data)s::text[], %(chosen)s::smallint[], %(lanes)s::smallint[])
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
  SELECT fresh.message_id, %(mailing)s, contact_id, address, lane, {variant}, true, 0, 0, '', '',
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

# Ids of the messages that were appended last to %(mailing)s, if that is a stream, and with
# %(others)s to other streams of the workspace that go through the relay: of the %(mailings)s used
# last, at most %(rows)s of each, all within %(within)s. Of the 200 newest streams one look into an
# index each.
LATEST_OF_STREAMS = f"""
SELECT i.message_id
  FROM (SELECT s.id
          FROM (SELECT m.id FROM sending_mailing m JOIN relays_relay r ON r.id = %(relay)s
                 WHERE m.kind = 'stream'
                   AND (m.id = %(mailing)s
                        OR (%(others)s AND m.workspace_id = %(workspace)s
                            AND {ROUTED.format(relay="r")}))
                 ORDER BY (m.id = %(mailing)s) DESC, m.id DESC LIMIT 200) s
         CROSS JOIN LATERAL (
               SELECT created_at FROM sending_streamitem
                WHERE mailing_id = s.id AND created_at > now() - %(within)s
                ORDER BY created_at DESC, message_id DESC LIMIT 1) last
         ORDER BY (s.id = %(mailing)s) DESC, last.created_at DESC LIMIT %(mailings)s) s
 CROSS JOIN LATERAL (
       SELECT message_id FROM sending_streamitem
        WHERE mailing_id = s.id AND created_at > now() - %(within)s
        ORDER BY created_at DESC, message_id DESC LIMIT %(rows)s) i
"""  # noqa: S608 - only constants of ours

# Nothing of it waits, is claimed, or is to be tried again.
QUIET = f"""
SELECT m.id FROM sending_mailing m
 WHERE {SENT} AND m.kind = 'stream' AND m.closed_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id)
   AND NOT EXISTS (SELECT 1 FROM sending_message r
                    WHERE r.mailing_id = m.id /* of r */ AND r.retry_at IS NOT NULL)
"""  # noqa: S608 - only constants of ours


def share(stream_id: int) -> None:
    """Whoever makes the stream idle or closes it waits from here on, and sees what is appended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sending_mailing WHERE id = %s FOR SHARE", [stream_id])


def append(given: dict[str, Any], of: Sequence[Share] = ()) -> dict[str, int]:
    """{key: id of its message} of those whose keys are new; see APPEND for the columns. `of`: which
    variant those get that name none; without it, the first."""
    sql = APPEND.replace("{variant}", CHOSEN if of else "coalesce(variant, 0)")
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(sql, given["mailing"]), given | columns(of))
        return dict(cursor.fetchall())


def quiet() -> list[int]:
    """Ids of streams of which nothing is left to do."""
    with connection.cursor() as cursor:
        cursor.execute(of_live(QUIET))
        return [row[0] for row in cursor.fetchall()]


def lock_quiet(stream_id: int) -> bool:
    """Whether nothing is left, now that nobody can append; within a transaction."""
    with connection.cursor() as cursor:
        # What was appended meanwhile is seen by the second statement.
        cursor.execute("SELECT 1 FROM sending_mailing WHERE id = %s FOR UPDATE", [stream_id])
        cursor.execute(blocks.named(f"{QUIET} AND m.id = %s", stream_id), [stream_id])
        return cursor.fetchone() is not None
