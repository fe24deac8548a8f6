"""The partitions of the detail tables, block by block (sending.blocks)."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q

from sending import blocks

# Blocks are made and dropped by one process at a time, which holds this lock in its transaction.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('sending_blocks'))"
# Looks at the table of messages, which is dropped last.
STANDING = """
SELECT substring(relname FROM '[0-9]+$')::bigint
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE inhparent = 'sending_message'::regclass
 ORDER BY 1
"""
# The block of the next mailing.
CURRENT = "SELECT last_value / %s FROM sending_mailing_id_seq"
# The block has a mailing of an earlier month, or nine tenths of its ids are used.
FULL = """
SELECT EXISTS (SELECT 1 FROM sending_mailing
                WHERE id >= %(first)s AND opened_at < date_trunc('month', now()))
       OR (SELECT last_value FROM sending_mailing_id_seq) > %(most)s
"""
# Forward only: no id is given twice.
MOVE = """
SELECT setval('sending_mailing_id_seq', %(first)s, false)
  FROM sending_mailing_id_seq WHERE last_value < %(first)s
"""


# Blocks with mailings that are being sent or have addresses to judge: only these are looked at each
# second. Uses the indexes mailing_busy and tally_unjudged; idle streams are not among them.
LIVE = """
SELECT DISTINCT id / %(size)s FROM sending_mailing WHERE state = 'sending' AND NOT idle
 UNION
SELECT mailing_id / %(size)s FROM sending_tally WHERE unjudged_since IS NOT NULL
"""


def of_live(statement: str) -> str:
    """The statement, which says `/* of t */` (sending.blocks.among), for the blocks that have
    something to do. A mailing that begins at this moment is seen the next time. Code that acts on
    the absence of rows must ask again under a lock (ending.lock_done, streams.lock_quiet)."""
    with connection.cursor() as cursor:
        cursor.execute(LIVE, {"size": blocks.SIZE})
        return blocks.among(statement, [row[0] for row in cursor.fetchall()])


def lock() -> None:
    """Holds the lock for blocks until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)


def standing() -> list[int]:
    """Existing blocks, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING)
        return [row[0] for row in cursor.fetchall()]


def current() -> int:
    """The block that the next mailing comes into."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENT, [blocks.SIZE])
        return int((cursor.fetchone() or (0,))[0])


def full(block: int) -> bool:
    """Whether the next block must begin."""
    first = blocks.first_mailing(block)
    with connection.cursor() as cursor:
        cursor.execute(FULL, {"first": first, "most": first + blocks.SIZE * 9 // 10})
        return bool((cursor.fetchone() or (False,))[0])


def make(block: int) -> None:
    """Makes the block's tables. Waits at most three seconds for a lock on the parent tables."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        cursor.execute("SELECT sending_make_block(%s)", [block])


def begin(block: int) -> None:
    """Mailings that are opened from now on get ids of this block. Its tables must be committed."""
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"first": max(blocks.first_mailing(block), 1)})


# More messages than anybody sends between a backup and its restore.
AHEAD = 1_000_000_000


def jump_ahead() -> None:
    """Moves the sequences ahead, so that ids used since the backup are not used again."""
    with connection.cursor() as cursor:
        for sequence in (*map(blocks.sequence, standing()), "sending_batch_id_seq"):
            cursor.execute(
                "SELECT setval(%s::regclass, nextval(%s::regclass) + %s)",
                [sequence, sequence, AHEAD],
            )


def of_messages(ids: Iterable[int], field: str = "mailing") -> Q:
    """A condition that `field`, a mailing's id, is in the blocks of these messages. With it a query
    for the messages reads only the partitions of these blocks."""
    wanted = Q(pk__in=[])
    for block in sorted({blocks.of_message(number) for number in ids}):
        first = blocks.first_mailing(block)
        wanted |= Q(**{f"{field}__gte": first, f"{field}__lt": first + blocks.SIZE})
    return wanted
