"""Begins a new block for each month in which mailings are opened (sending.blocks)."""

from django.db import transaction

from environment import logs
from sending.queries import blocks as query

log = logs.get(__name__)
# How many blocks are left out after a restore. The lost database may have begun some of them since
# the backup, and mails that people have contain ids of their messages.
AHEAD = 100


def turn() -> int | None:
    """Begins the next block if the current one is full or of an earlier month. Returns its number.
    Safe to run twice and to be killed: the tables are committed before an id of the block is
    used."""
    made = _make_next()
    if made is not None:
        _begin(made)
    return made


@transaction.atomic
def _make_next() -> int | None:
    """The number of a block that exists but is not used yet; None: no new one is needed."""
    query.lock()
    current, newest = query.current(), max(query.standing())
    if newest > current:
        return newest
    if not query.full(current):
        return None
    query.make(current + 1)
    return current + 1


@transaction.atomic
def _begin(block: int) -> None:
    query.lock()
    query.begin(block)
    log.committed.info("block begun", block=block)


def jump() -> None:
    """Makes ids of a restored database jump far ahead. Sequences of existing blocks, where streams
    append, jump at once; a new block, far ahead, begins when the transaction commits."""
    query.lock()
    query.jump_ahead()
    block = max(query.current(), *query.standing()) + AHEAD
    query.make(block)
    transaction.on_commit(lambda: _begin(block))
