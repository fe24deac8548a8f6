"""Blocks: the mailings of about a month, whose detail stands in tables of their own. Pure.

The tables of detail are partitioned by `mailing_id`. Ids of mailings are given out in blocks of
`SIZE`, so that what ended together is dropped together, and a unique index that begins with the
mailing is the database's own promise within a block. Ids of messages say their block, too: whoever
has only a message's id, as from a link in a mail, looks into one table instead of all.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

# Mailings of a block. Nobody opens as many within a month; if somebody does, the next one begins.
SIZE = 1_000_000
# The low bits of a message's id count within its block: 68,719,476,736 of them.
BITS = 36
# The tables of detail, in the order in which they are dropped: what refers to messages goes first.
TABLES = ("sending_event", "sending_streamitem", "sending_leftout", "sending_message")
_OF = re.compile(r"/\* of (\w+) \*/")
_NAMED = re.compile(rf"\b({'|'.join(TABLES)})\b")


def of_mailing(mailing_id: int) -> int:
    return mailing_id // SIZE


def of_message(message_id: int) -> int:
    return message_id >> BITS


def first_mailing(block: int) -> int:
    """The least id of a mailing that may stand in the block."""
    return block * SIZE


def sequence(block: int) -> str:
    """Gives the block's messages their ids."""
    return f"sending_message_id_{block}"


def table(parent: str, block: int) -> str:
    return f"{parent}_{block}"


# Statements of the engine are constants, and a mailing's block is the same for all of them.
@lru_cache(maxsize=512)
def of_block(statement: str, block: int) -> str:
    """The statement with the tables of the block by their names."""
    return _NAMED.sub(rf"\g<1>_{block}", statement)


def named(statement: str, mailing_id: int) -> str:
    """The same of the block of a mailing. For statements about mailings that are not over, whose
    block is never dropped: they are planned as if there were no partitions."""
    return of_block(statement, of_mailing(mailing_id))


def among(statement: str, blocks: Iterable[int]) -> str:
    """The statement, which says `/* of t */` where the mailing of the message `t` is a column of
    another table, with these blocks there. Without it PostgreSQL would plan for all blocks."""
    wanted = set(blocks)
    return _OF.sub(lambda found: f"AND {within(wanted, f'{found[1]}.mailing_id')}", statement)


def within(blocks: Iterable[int], column: str = "mailing_id") -> str:
    """SQL: the column, a mailing's id, is of one of these blocks. In constants, so that PostgreSQL
    plans for their tables alone; and as whole blocks, of which no statistics are out of date."""
    ranges = (
        f"{column} >= {first_mailing(block)} AND {column} < {first_mailing(block + 1)}"
        for block in sorted(set(blocks))
    )
    return f"({' OR '.join(ranges) or 'false'})"
