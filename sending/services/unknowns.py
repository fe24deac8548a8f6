"""Messages whose result is not known, settled by a person: sent again, or counted as accepted.

Each is in a piece of its own transaction, so that nobody waits long for the rows of many. Messages
come first and in one order, then the tally: as everywhere (queries.record, services.retrying).
"""

from collections.abc import Callable

from django.db import connection, transaction
from django.db.models import QuerySet

from contacts.services import jobs
from pages.statements import named
from sending.models import Mailing, Message
from sending.services import mailings

# The kinds of jobs that do it with many (sending.jobs).
RESEND_JOB, COUNT_JOB = "resend_unknown", "count_unknown"
# (mailing, its rows, how many at most) -> how many were settled
Piece = Callable[[Mailing, QuerySet[Message], int], int]

# One statement, so that rows and counts move together.
CHOSEN = """
WITH chosen AS MATERIALIZED (
  SELECT id FROM sending_message
   WHERE mailing_id = %(mailing)s AND trouble = 5 AND id IN ({rows})
   ORDER BY address LIMIT %(limit)s FOR UPDATE),
counted AS (SELECT count(*) AS n FROM chosen),
"""
RESEND = f"""{CHOSEN}
again AS (
  UPDATE sending_message m
     SET state = 0, retry_at = now(), reason = '', settled_at = NULL
    FROM chosen WHERE m.id = chosen.id)
UPDATE sending_tally SET unknown = unknown - n, waiting = waiting + n
  FROM counted WHERE mailing_id = %(mailing)s RETURNING n
"""  # noqa: S608 - only constants of ours
COUNT_AS_SENT = f"""{CHOSEN}
settled AS (
  UPDATE sending_message m SET state = 2, reason = '' FROM chosen WHERE m.id = chosen.id)
UPDATE sending_tally SET unknown = unknown - n, accepted = accepted + n
  FROM counted WHERE mailing_id = %(mailing)s RETURNING n
"""  # noqa: S608 - only constants of ours


@transaction.atomic
def resend_piece(mailing: Mailing, rows: QuerySet[Message], limit: int = jobs.BATCH) -> int:
    """Puts unknown messages among these back to waiting; some may arrive twice. A finished mailing
    is opened again, a paused one stays paused; of a cancelled one nothing is sent any more."""
    # Claims, and a cancel, lock this row first, too.
    locked = Mailing.objects.select_for_update(no_key=True).get(pk=mailing.pk)
    if locked.state == Mailing.State.CANCELLED:
        return 0
    number = _settle(RESEND, mailing, rows, limit)
    if number:
        mailings.reopen(locked)
    return number


@transaction.atomic
def count_piece(mailing: Mailing, rows: QuerySet[Message], limit: int = jobs.BATCH) -> int:
    """Counts unknown messages among these as accepted; no mail is sent."""
    return _settle(COUNT_AS_SENT, mailing, rows, limit)


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


def _settle(sql: str, mailing: Mailing, rows: QuerySet[Message], limit: int) -> int:
    ids, parameters = named(rows.order_by().values("pk"))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.replace("{rows}", ids), parameters | {"mailing": mailing.pk, "limit": limit}
        )
        return int((cursor.fetchone() or (0,))[0])
