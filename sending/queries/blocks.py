"""The tables of detail, block by block (sending.blocks), as the database has them."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q

from sending import blocks

# One at a time makes and drops them; in its transaction.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('sending_blocks'))"
# By the table of messages, which is dropped last.
STANDING = """
SELECT substring(relname FROM '[0-9]+$')::bigint
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE inhparent = 'sending_message'::regclass
 ORDER BY 1
"""
# Which the next mailing comes into.
CURRENT = "SELECT last_value / %s FROM sending_mailing_id_seq"
# A mailing of an earlier month stands in it; or nine tenths of its ids are given away.
FULL = """
SELECT EXISTS (SELECT 1 FROM sending_mailing
                WHERE id >= %(first)s AND opened_at < date_trunc('month', now()))
       OR (SELECT last_value FROM sending_mailing_id_seq) > %(most)s
"""
# Forward only: an id that was given away is given to nobody else.
MOVE = """
SELECT setval('sending_mailing_id_seq', %(first)s, false)
  FROM sending_mailing_id_seq WHERE last_value < %(first)s
"""


# Of mailings that are sent or whose addresses are to be judged: what is looked at each second. By
# mailing_busy and tally_unjudged; streams that have nothing to do are not among them.
LIVE = """
SELECT DISTINCT id / %(size)s FROM sending_mailing WHERE state = 'sending' AND NOT idle
 UNION
SELECT mailing_id / %(size)s FROM sending_tally WHERE unjudged_since IS NOT NULL
"""


def of_live(statement: str) -> str:
    """The statement, which says `/* of t */` (sending.blocks.among), for the blocks that have
    something to do. A mailing that begins this moment is seen the next time: who acts on what is
    not there asks again under a lock (ending.lock_done, streams.lock_quiet)."""
    with connection.cursor() as cursor:
        cursor.execute(LIVE, {"size": blocks.SIZE})
        return blocks.among(statement, [row[0] for row in cursor.fetchall()])


def lock() -> None:
    """Until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)


def standing() -> list[int]:
    """The blocks whose tables are there, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING)
        return [row[0] for row in cursor.fetchall()]


def current() -> int:
    """The block that the next mailing comes into."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENT, [blocks.SIZE])
        return int((cursor.fetchone() or (0,))[0])


def full(block: int) -> bool:
    """Whether the next one is to begin."""
    first = blocks.first_mailing(block)
    with connection.cursor() as cursor:
        cursor.execute(FULL, {"first": first, "most": first + blocks.SIZE * 9 // 10})
        return bool((cursor.fetchone() or (False,))[0])


def make(block: int) -> None:
    """Makes its tables. Waits three seconds at most for whoever changes the parents."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        cursor.execute("SELECT sending_make_block(%s)", [block])


def begin(block: int) -> None:
    """Mailings that are opened from now on come into it. Once its tables are committed."""
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"first": max(blocks.first_mailing(block), 1)})


# More than anybody sends between a backup and its restore.
AHEAD = 1_000_000_000


def jump_ahead() -> None:
    """Ids of messages and batches that were given away since a backup are given to no others."""
    with connection.cursor() as cursor:
        for sequence in (*map(blocks.sequence, standing()), "sending_batch_id_seq"):
            cursor.execute(
                "SELECT setval(%s::regclass, nextval(%s::regclass) + %s)",
                [sequence, sequence, AHEAD],
            )


def of_messages(ids: Iterable[int], field: str = "mailing") -> Q:
    """The field, a mailing, is of the blocks of these messages: with it a query for them looks into
    those alone."""
    wanted = Q(pk__in=[])
    for block in sorted({blocks.of_message(number) for number in ids}):
        first = blocks.first_mailing(block)
        wanted |= Q(**{f"{field}__gte": first, f"{field}__lt": first + blocks.SIZE})
    return wanted
