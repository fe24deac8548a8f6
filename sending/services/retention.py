"""Drops old detail, block by block and never row by row.

These stay: the mailing with its contents, its counts and minutes, what its report shows
(`keepers`), and the recipients of its mails (models.PastRecipients), so that unsubscribe links and
others work as long as a mail exists. These are gone: the list of recipients, servers' replies,
events, the people left out, and the contacts of copied segments.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, transaction
from django.db.models import QuerySet

from contacts.queries import copies, formeraddresses
from environment import logs
from pages.queries.alone import alone
from pages.registry import Registry
from sending import blocks
from sending.exceptions import SendingError
from sending.models import Mailing
from sending.queries import answers, dropping
from sending.queries import blocks as tables
from sending.queries.dropping import Counts, Keeping

log = logs.get(__name__)
# Functions that store numbers of a mailing that are counted from its rows. They must be safe to run
# twice.
keepers: Registry[Callable[[Mailing], None]] = Registry()
# Seconds to wait after each try while a table is in use: about four minutes in all.
PAUSES = (1, 2, 5, 10, 20, 30, 30, 60, 60)


class BlockKeptError(SendingError):
    """A mailing of the block began again since it was looked at."""


class DropRunningError(SendingError):
    """Another process drops detail now."""


@dataclass(frozen=True, slots=True)
class Block:
    """`keeping`: mailings that keep it from being dropped."""

    number: int
    counts: Counts
    size: int
    keeping: list[Keeping]


def look(before: datetime) -> list[Block]:
    """Past blocks, the oldest first, each with the mailings that keep it."""
    current = tables.current()
    return [_block(number, before) for number in dropping.left() if number < current]


def in_use(before: datetime) -> Block:
    """The block in which mailings are opened. It is never dropped."""
    return _block(tables.current(), before)


def _block(number: int, before: datetime) -> Block:
    return Block(
        number, dropping.counts(number), dropping.size(number), dropping.keeping(number, before)
    )


def drop(block: Block, before: datetime, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Drops the detail of a block whose mailings ended before `before`. After an interruption, call
    it again. Raises BlockKeptError and DropRunningError."""
    with alone("sending_drop") as we:
        if not we:
            raise DropRunningError
        # Another process may have dropped it since it was looked at.
        if block.number in dropping.left():
            _drop_all(block, before, pause)


def _drop_all(block: Block, before: datetime, pause: Callable[[float], None]) -> None:
    for mailing in _mailings(block).filter(details_dropped_at=None):
        for keep in keepers:
            keep(mailing)
    _mark(block, before)
    _keep_recipients(block)
    copies.drop_contacts(mailing.people for mailing in _mailings(block).iterator())
    for parent in blocks.TABLES:
        _drop(parent, block.number, pause)
    log.info(
        "detail of a block dropped",
        block=block.number,
        mailings=block.counts.mailings,
        messages=block.counts.messages,
        bytes=block.size,
    )


def _mailings(block: Block) -> QuerySet[Mailing]:
    first = blocks.first_mailing(block.number)
    return Mailing.objects.filter(pk__gte=first, pk__lt=first + blocks.SIZE).order_by("pk")


@transaction.atomic
def _mark(block: Block, before: datetime) -> None:
    """From here on pages say that the detail is dropped, and none of its messages is tried
    again."""
    dropping.lock(block.number)
    if dropping.keeping(block.number, before):
        raise BlockKeptError
    # Which address a contact had at this moment must be known for ever.
    formeraddresses.await_changes()
    dropping.mark(block.number)
    answers.drop(_mailings(block).values_list("pk", flat=True))


def _keep_recipients(block: Block) -> None:
    """In pieces, each committed."""
    found = dropping.ends(block.number)
    if found is None:
        return
    first, last = found
    for begin in range(first - first % dropping.PIECE, last + 1, dropping.PIECE):
        dropping.keep_recipients(block.number, begin)


def _drop(parent: str, block: int, pause: Callable[[float], None]) -> None:
    for seconds in (*PAUSES, None):
        try:
            dropping.drop(parent, block)
        except OperationalError as error:
            # lock_not_available; others use the table.
            if getattr(error.__cause__, "sqlstate", "") != "55P03" or seconds is None:
                raise
            pause(seconds)
        else:
            return
