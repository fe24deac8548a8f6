"""Appends messages to streams, and finds streams without waiting messages. A stream may be open for
years: queries for its latest messages read a stated number of rows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from contacts import countries
from contacts.languages import ATTRIBUTE
from sending import blocks
from sending.models import Mailing
from sending.queries import markets
from sending.queries.blocks import of_live
from sending.queries.due import ROUTED, SENT
from sending.queries.freeze import OF_LANGUAGE, columns
from sending.variants import Share

# What a relay did for a stream longer ago says nothing about the relay today.
LATELY = timedelta(days=1)

# The language of an item without a variant: from its data, or else from its contact.
SPOKEN = f"""
coalesce(nullif(btrim(data::jsonb ->> '{ATTRIBUTE}'), ''),
         (SELECT c.attributes ->> '{ATTRIBUTE}' FROM contacts_contact c WHERE c.id = contact_id))
"""  # noqa: S608 - only constants of ours
# Its country, in the same way.
COUNTRY = f"""
coalesce(nullif(btrim(data::jsonb ->> '{countries.ATTRIBUTE}'), ''),
         (SELECT c.attributes ->> '{countries.ATTRIBUTE}'
            FROM contacts_contact c WHERE c.id = contact_id))
"""  # noqa: S608 - only constants of ours
CHANCE = "(hashtextextended(key, %(mailing)s) & 1048575)::int"
CHOSEN = f"coalesce(variant, {OF_LANGUAGE.format(tag=SPOKEN, chance=CHANCE)})"

# Makes a message for each new key; known keys have one already. In the order of the keys: two
# processes that append the same ones wait for each other, and never both.
APPEND = """
WITH given AS (
  SELECT * FROM unnest(%(keys)s::text[], %(addresses)s::text[], %(contacts)s::bigint[],
                       %(data)s::text[], %(chosen)s::smallint[], %(lanes)s::smallint[])
             AS g (key, address, contact_id, data, variant, lane)),
fresh AS (
  INSERT INTO sending_streamitem (message_id, mailing_id, key, data, created_at)
  SELECT nextval(pg_get_serial_sequence('sending_message', 'id')), %(mailing)s, key, data::jsonb,
         now()
    FROM given ORDER BY key
  ON CONFLICT (mailing_id, key) DO NOTHING
  RETURNING message_id, key),
made AS (
  INSERT INTO sending_message
         (id, mailing_id, contact_id, address, lane, variant, markets, repeats, counts_opens, state,
          attempts, reason, reply, retry_at)
  SELECT fresh.message_id, %(mailing)s, contact_id, address, lane, {variant}, {markets}, true,
         false, 0, 0, '', '', now()
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
# last, at most %(rows)s of each, all within %(within)s. One index lookup for each of the 200 newest
# streams.
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

# No message waits, is claimed, or is to be tried again. (A stream's messages wait with retry_at.)
QUIET = f"""
SELECT m.id FROM sending_mailing m
 WHERE {SENT} AND m.kind = 'stream' AND m.closed_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id)
   AND NOT EXISTS (SELECT 1 FROM sending_message r
                    WHERE r.mailing_id = m.id /* of r */ AND r.retry_at IS NOT NULL)
"""  # noqa: S608 - only constants of ours


def share(stream_id: int) -> None:
    """Locks the stream for an append: making it idle or closing it waits for this transaction, and
    then sees the new messages."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sending_mailing WHERE id = %s FOR SHARE", [stream_id])


def append(stream: Mailing, given: dict[str, Any], of: Sequence[Share] = ()) -> dict[str, int]:
    """{key: id of its message} for new keys; see APPEND for the columns. `of`: the variants'
    shares, for items that name no variant; without it they get the first."""
    ruled = markets.of_mailing(stream, country=COUNTRY)
    sql = APPEND.replace("{variant}", CHOSEN if of else "coalesce(variant, 0)")
    sql = sql.replace("{markets}", ruled.bits)
    known = given | {"mailing": stream.pk} | columns(of) | ruled.parameters
    with connection.cursor() as cursor:
        cursor.execute(blocks.named(sql, stream.pk), known)
        return dict(cursor.fetchall())


def quiet() -> list[int]:
    """Ids of streams with nothing left to do."""
    with connection.cursor() as cursor:
        cursor.execute(of_live(QUIET))
        return [row[0] for row in cursor.fetchall()]


def lock_quiet(stream_id: int) -> bool:
    """Locks the stream, so that nobody can append, and tells whether nothing is left to do. Within
    a transaction."""
    with connection.cursor() as cursor:
        # The second statement sees messages that were appended before the lock.
        cursor.execute("SELECT 1 FROM sending_mailing WHERE id = %s FOR UPDATE", [stream_id])
        cursor.execute(blocks.named(f"{QUIET} AND m.id = %s", stream_id), [stream_id])
        return cursor.fetchone() is not None
