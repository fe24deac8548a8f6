"""Messages whose result is not known, settled by a person: sent again, or counted as accepted.

Each is in a piece of its own transaction, so that nobody waits long for the rows of many. Messages
come first and in one order, then the tally: as everywhere (queries.record, services.retrying).
"""

from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet

from contacts.services import jobs
from sending.models import Mailing, Message
from sending.queries import unknowns as query
from sending.services import mailings

# The kinds of jobs that do it with many (sending.jobs).
RESEND_JOB, COUNT_JOB = "resend_unknown", "count_unknown"
# (mailing, its rows, how many at most) -> how many were settled
Piece = Callable[[Mailing, QuerySet[Message], int], int]


@transaction.atomic
def resend_piece(mailing: Mailing, rows: QuerySet[Message], limit: int = jobs.BATCH) -> int:
    """Puts unknown messages among these back to waiting; some may arrive twice. A finished mailing
    is opened again, a paused one stays paused; of a cancelled one nothing is sent any more."""
    # Claims, and a cancel, lock this row first, too.
    locked = Mailing.objects.select_for_update(no_key=True).get(pk=mailing.pk)
    if locked.state == Mailing.State.CANCELLED or locked.details_dropped_at:
        return 0
    number = query.resend(mailing, rows, limit)
    if number:
        mailings.reopen(locked)
    return number


@transaction.atomic
def count_piece(mailing: Mailing, rows: QuerySet[Message], limit: int = jobs.BATCH) -> int:
    """Counts unknown messages among these as accepted; no mail is sent."""
    locked = Mailing.objects.select_for_update(no_key=True).get(pk=mailing.pk)
    return 0 if locked.details_dropped_at else query.count_as_sent(mailing, rows, limit)


def resend(mailing: Mailing, rows: QuerySet[Message] | None = None) -> int:
    """All among these (None: of the mailing), in pieces; how many."""
    return _all(resend_piece, mailing, rows)


def count_as_sent(mailing: Mailing, rows: QuerySet[Message] | None = None) -> int:
    return _all(count_piece, mailing, rows)


def _all(piece: Piece, mailing: Mailing, rows: QuerySet[Message] | None) -> int:
    chosen = Message.objects.all() if rows is None else rows
    number = 0
    while done := piece(mailing, chosen, jobs.BATCH):
        number += done
    mailing.refresh_from_db()
    return number
