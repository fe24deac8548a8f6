"""Freezes an audience into ledger rows: one statement, whatever its size."""

from collections.abc import Sequence

from django.db import connection

from contacts.audience import parameters, statement
from sending.models import Mailing

# One pass over the audience: who gets it becomes a row, the others are counted by reason. No
# address comes twice, since two contacts never share one within a workspace; should a mailing ever
# be frozen a second time, the index refuses it.
FREEZE = """
WITH audience AS MATERIALIZED ({audience}),
frozen AS (
  INSERT INTO sending_message
         (mailing_id, contact_id, address, state, attempts, due_at, reason, reply)
  SELECT %(mailing)s, contact_id, address, 0, 0, now(), '', ''
    FROM audience WHERE reason IS NULL)
SELECT reason, count(*) FROM audience GROUP BY reason
"""


def freeze(
    mailing: Mailing, lists_in: Sequence[int], lists_out: Sequence[int]
) -> tuple[int, dict[str, int]]:
    """(number of messages, {reason: number of people left out})"""
    known = parameters(mailing.workspace_id, lists_in, lists_out) | {"mailing": mailing.pk}
    with connection.cursor() as cursor:
        cursor.execute(FREEZE.replace("{audience}", statement(lists_in)), known)
        counts = dict(cursor.fetchall())
    return counts.pop(None, 0), counts
