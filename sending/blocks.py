"""Blocks: the mailings of about a month, whose detail is in partitions of its own. Pure.

The tables of detail are partitioned by `mailing_id`. Ids of mailings are given out in blocks of
`SIZE`, so that mailings of the same time are dropped together. A unique index that begins with the
mailing is unique across all blocks, because a mailing is in one block. A message's id contains its
block, too: a query with only that id, as from a link in a mail, reads one partition instead of all.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

# Ids of mailings in a block. When they are nearly used up, the next block begins early.
SIZE = 1_000_000
# The low bits of a message's id count within its block: 68,719,476,736 of them.
BITS = 36
# The tables of detail, in the order in which they are dropped: tables that refer to messages go
# first.
TABLES = ("sending_event", "sending_streamitem", "sending_leftout", "sending_message")
_OF = re.compile(r"/\* of (\w+) \*/")
# A table with the comment behind it stays: the statement means the messages of all blocks.
_NAMED = re.compile(rf"\b({'|'.join(TABLES)})\b(?! /\* in every block \*/)")


def of_mailing(mailing_id: int) -> int:
    return mailing_id // SIZE


def of_message(message_id: int) -> int:
    return message_id >> BITS


def first_mailing(block: int) -> int:
    """The smallest mailing id of the block."""
    return block * SIZE


def sequence(block: int) -> str:
    """The sequence of the block's message ids."""
    return f"sending_message_id_{block}"


def table(parent: str, block: int) -> str:
    return f"{parent}_{block}"


# Cached: statements are constants, and few blocks are in use.
@lru_cache(maxsize=512)
def of_block(statement: str, block: int) -> str:
    """The statement with the names of the block's partitions instead of the parent tables."""
    return _NAMED.sub(rf"\g<1>_{block}", statement)


def named(statement: str, mailing_id: int) -> str:
    """The same for the block of a mailing, so that PostgreSQL plans without partitions. Only for
    mailings that are not over: their block is never dropped."""
    return of_block(statement, of_mailing(mailing_id))


def among(statement: str, blocks: Iterable[int]) -> str:
    """Replaces each `/* of t */` in the statement by a condition that `t.mailing_id` is in these
    blocks. It is needed where the mailing of `t` comes from another table: PostgreSQL would plan
    for all blocks."""
    wanted = set(blocks)
    return _OF.sub(lambda found: f"AND {within(wanted, f'{found[1]}.mailing_id')}", statement)


def within(blocks: Iterable[int], column: str = "mailing_id") -> str:
    """SQL: the column, a mailing's id, is in one of these blocks. The bounds are constants, so that
    PostgreSQL plans only for their partitions, and whole blocks, so that outdated statistics of the
    column don't mislead it."""
    ranges = (
        f"{column} >= {first_mailing(block)} AND {column} < {first_mailing(block + 1)}"
        for block in sorted(set(blocks))
    )
    return f"({' OR '.join(ranges) or 'false'})"
