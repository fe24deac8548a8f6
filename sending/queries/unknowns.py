"""Settles messages whose result is unknown: rows and counts in one statement."""

from django.db import connection
from django.db.models import QuerySet

from pages.statements import named
from sending import blocks
from sending.models import Mailing, Message
from sending.queries.answers import FORGOTTEN
from sending.queries.states import sql

# One statement, so that rows and counts move together.
CHOSEN = sql(f"""
WITH {FORGOTTEN},
chosen AS MATERIALIZED (
  SELECT id, counts_opens FROM sending_message
   WHERE mailing_id = %(mailing)s AND trouble = $UNKNOWN AND id IN ({{rows}})
   ORDER BY address LIMIT %(limit)s FOR UPDATE),
counted AS (SELECT count(*) AS n, count(*) FILTER (WHERE counts_opens) AS pixels FROM chosen),
""")  # noqa: S608 - only constants of ours
RESEND = sql(f"""{CHOSEN}
again AS (
  UPDATE sending_message m
     SET state = $WAITING, retry_at = now(), reason = '', settled_at = NULL
    FROM chosen WHERE m.id = chosen.id)
UPDATE sending_tally SET unknown = unknown - n, waiting = waiting + n
  FROM counted WHERE mailing_id = %(mailing)s RETURNING n
""")  # noqa: S608 - only constants of ours
COUNT_AS_SENT = sql(f"""{CHOSEN}
settled AS (
  UPDATE sending_message m SET state = $ACCEPTED, reason = '' FROM chosen WHERE m.id = chosen.id)
UPDATE sending_tally
   SET unknown = unknown - n, accepted = accepted + n, with_pixel = with_pixel + pixels
  FROM counted WHERE mailing_id = %(mailing)s RETURNING n
""")  # noqa: S608 - only constants of ours


def resend(mailing: Mailing, rows: QuerySet[Message], limit: int) -> int:
    """Sets them back to waiting. Returns how many."""
    return _settle(RESEND, mailing, rows, limit)


def count_as_sent(mailing: Mailing, rows: QuerySet[Message], limit: int) -> int:
    """Counts them as accepted. Returns how many."""
    return _settle(COUNT_AS_SENT, mailing, rows, limit)


def _settle(statement: str, mailing: Mailing, rows: QuerySet[Message], limit: int) -> int:
    ids, parameters = named(rows.order_by().values("pk"))
    with connection.cursor() as cursor:
        cursor.execute(
            blocks.named(statement.replace("{rows}", ids), mailing.pk),
            parameters | {"mailing": mailing.pk, "limit": limit},
        )
        return int((cursor.fetchone() or (0,))[0])
