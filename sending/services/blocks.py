"""Each month that mailings are opened in has a block of its own (sending.blocks)."""

import logging

from django.db import transaction

from sending.queries import blocks as query

log = logging.getLogger(__name__)
# After a restore the next block is so many ahead: those between may have been made since the
# backup, and ids of their mailings and messages are in mails that people have.
AHEAD = 100


def turn() -> int | None:
    """Begins the next block when the present one is of an earlier month or full; its number. Safe
    to run twice and to die in: the tables are committed before an id leads there."""
    made = _make_next()
    if made is not None:
        _begin(made)
    return made


@transaction.atomic
def _make_next() -> int | None:
    """A block that was made and that no mailing comes into yet."""
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
    log.info("mailings are opened in block %s from now on", block)


def jump() -> None:
    """Ids of a restored database go on far ahead: those of streams at once, and with the commit of
    the transaction that this is part of a block far ahead begins."""
    query.lock()
    query.jump_ahead()
    block = max(query.current(), *query.standing()) + AHEAD
    query.make(block)
    transaction.on_commit(lambda: _begin(block))
