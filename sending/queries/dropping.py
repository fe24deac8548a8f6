"""Statements for dropping the detail of a block (services.retention)."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from sending import blocks
from sending.models import PastRecipients
from sending.queries.due import FREEZING
from sending.queries.states import sql

# Tables of blocks, attached or not: a drop that was interrupted may have left them detached.
# Messages are dropped last.
BLOCKS = """
SELECT substring(relname FROM '[0-9]+$')::bigint FROM pg_class
 WHERE relkind = 'r' AND relname ~ '^sending_message_[0-9]+$' AND pg_table_is_visible(oid)
 ORDER BY 1
"""
SIZE = """
SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)
  FROM unnest(%(tables)s::text[]) AS t (name)
"""
# By the primary key. Messages are counted by the tallies.
COUNTS = """
SELECT count(*), coalesce(sum(t.targeted), 0), min(m.opened_at), max(m.finished_at)
  FROM sending_mailing m LEFT JOIN sending_tally t ON t.mailing_id = m.id
 WHERE m.id >= %(first)s AND m.id < %(end)s
"""
# Mailings that keep the block, and why: they are not over, a decision is pending, or they ended too
# recently. Pending addresses can't be judged, nor unknown results decided, without their rows.
KEEPING = f"""
SELECT m.id, w.slug, concat_ws(' ', nullif(m.source_kind, ''), nullif(m.source_id, 0)), why.code,
       coalesce(t.unknown, 0)
  FROM sending_mailing m
  JOIN accounts_workspace w ON w.id = m.workspace_id
  LEFT JOIN sending_tally t ON t.mailing_id = m.id
 CROSS JOIN LATERAL (
       SELECT CASE WHEN m.state IN ('sending', 'paused') AND w.deleted_at IS NOT NULL THEN 'deleted'
                   WHEN m.state IN ('sending', 'paused') AND m.kind = 'stream' THEN 'stream'
                   WHEN m.state IN ('sending', 'paused') THEN m.state
                   WHEN t.waiting + t.in_flight > 0 OR {FREEZING} THEN 'waiting'
                   WHEN t.unjudged_since IS NOT NULL THEN 'unjudged'
                   WHEN t.unknown > 0 THEN 'unknown'
                   WHEN m.finished_at IS NULL OR m.finished_at >= %(before)s THEN 'recent'
              END AS code) why
 WHERE m.id >= %(first)s AND m.id < %(end)s AND why.code IS NOT NULL
 ORDER BY m.id
"""  # noqa: S608 - only constants of ours
# services.retrying locks the mailing first, too.
LOCK = """
SELECT 1 FROM sending_mailing WHERE id >= %(first)s AND id < %(end)s ORDER BY id FOR UPDATE
"""
MARK = """
UPDATE sending_mailing SET details_dropped_at = now()
 WHERE id >= %(first)s AND id < %(end)s AND details_dropped_at IS NULL
"""

# Messages whose rows are read at once: a whole number of spans.
PIECE = 1 << 20
ENDS = "SELECT min(id), max(id) FROM sending_message"
# For mails that may be in somebody's mailbox. The address is kept only where the contact's at the
# moment of `mark` differs or the contact is gone: `moved` had another one then. Safe to run twice.
OTHER = "coalesce(moved.address, c.email) IS DISTINCT FROM m.address"
KEEP = sql(f"""
WITH moved AS MATERIALIZED (
    SELECT DISTINCT ON (f.contact_id) f.contact_id, f.address FROM contacts_formeraddress f
     WHERE f.other_id IS NULL
       AND f.until > (SELECT min(details_dropped_at) FROM sending_mailing
                       WHERE id >= %(first)s AND id < %(end)s)
     ORDER BY f.contact_id, f.until)
INSERT INTO sending_pastrecipients (mailing_id, span, offsets, contacts, addresses, variants)
SELECT m.mailing_id, m.id >> {PastRecipients.SHIFT},
       array_agg((m.id & {(1 << PastRecipients.SHIFT) - 1})::smallint ORDER BY m.id),
       array_agg(m.contact_id ORDER BY m.id),
       CASE WHEN bool_or({OTHER}) THEN array_agg(CASE WHEN {OTHER} THEN m.address END
                                                 ORDER BY m.id) END,
       CASE WHEN max(m.variant) > 0 THEN array_agg(m.variant ORDER BY m.id) END
  FROM sending_message m
  LEFT JOIN contacts_contact c ON c.id = m.contact_id
  LEFT JOIN moved ON moved.contact_id = c.id
 WHERE m.id >= %(from)s AND m.id < %(upto)s AND m.state IN ($ACCEPTED, $UNKNOWN)
 GROUP BY 1, 2
ON CONFLICT (span, mailing_id) DO NOTHING
""")  # noqa: S608 - only constants of ours

ATTACHED = """
SELECT inhdetachpending FROM pg_inherits
 WHERE inhparent = %(parent)s::regclass AND inhrelid = to_regclass(%(leaf)s)
"""


class Keeping(NamedTuple):
    """A mailing that keeps its block from being dropped. `code`: see KEEPING. `unknown`: how many
    messages have an unknown result."""

    mailing: int
    workspace: str
    source: str
    code: str
    unknown: int


class Counts(NamedTuple):
    mailings: int
    messages: int
    first_opened: datetime | None
    last_finished: datetime | None


def _range(block: int) -> dict[str, Any]:
    return {"first": blocks.first_mailing(block), "end": blocks.first_mailing(block + 1)}


def _rows(statement: str, known: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, known)
        return list(cursor.fetchall())


def left() -> list[int]:
    """Blocks that still have a table of messages, the oldest first."""
    return [row[0] for row in _rows(BLOCKS, {})]


def counts(block: int) -> Counts:
    return Counts(*_rows(COUNTS, _range(block))[0])


def size(block: int) -> int:
    """Bytes of its tables and their indexes."""
    tables = [blocks.table(parent, block) for parent in blocks.TABLES]
    return int(_rows(SIZE, {"tables": tables})[0][0])


def keeping(block: int, before: datetime) -> list[Keeping]:
    """The mailings that keep the block; empty: all its mailings ended before `before`."""
    return [Keeping(*row) for row in _rows(KEEPING, _range(block) | {"before": before})]


def lock(block: int) -> None:
    """Locks the block's mailings: none begins again before the transaction ends."""
    _rows(LOCK, _range(block))


def mark(block: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MARK, _range(block))


def ends(block: int) -> tuple[int, int] | None:
    """The least and the greatest id of its messages."""
    (first, last), *_ = _rows(blocks.of_block(ENDS, block), {})
    return None if first is None else (first, last)


def keep_recipients(block: int, first: int) -> None:
    """Keeps the recipients of messages from `first` to `first + PIECE`."""
    known = _range(block) | {"from": first, "upto": first + PIECE}
    with connection.cursor() as cursor:
        cursor.execute(blocks.of_block(KEEP, block), known)


def drop(parent: str, block: int) -> None:
    """Drops the block's partition of `parent`. Readers and writers of other blocks don't wait: the
    partition is detached CONCURRENTLY, without a lock on the parent, and dropped then. No
    transaction may be open. It also finishes an interrupted call."""
    leaf = blocks.table(parent, block)
    with connection.cursor() as cursor:
        # A lock request that waits behind a long query would block others: it gives up.
        cursor.execute("SET lock_timeout = '10s'")
        try:
            cursor.execute(ATTACHED, {"parent": parent, "leaf": leaf})
            if row := cursor.fetchone():
                how = "FINALIZE" if row[0] else "CONCURRENTLY"
                cursor.execute(f"ALTER TABLE {parent} DETACH PARTITION {leaf} {how}")
            cursor.execute(f"DROP TABLE IF EXISTS {leaf}")
        finally:
            cursor.execute("RESET lock_timeout")
