"""Freezes an audience into ledger rows: one statement, whatever its size."""

from collections.abc import Sequence

from django.db import connection

from contacts.audience import AUDIENCE, parameters
from sending.models import Mailing

# One pass over the audience: who gets it becomes a row, the others are counted by reason. Two
# contacts never share an address within a workspace, so ON CONFLICT only guards a second freeze.
FREEZE = f"""
WITH audience AS MATERIALIZED ({AUDIENCE}),
frozen AS (
  INSERT INTO sending_message
         (mailing_id, contact_id, address, state, attempts, due_at, reason, reply)
  SELECT %(mailing)s, contact_id, address, 0, 0, now(), '', ''
    FROM audience WHERE reason IS NULL
  ON CONFLICT (mailing_id, address) DO NOTHING
  RETURNING 1)
SELECT NULL, count(*) FROM frozen
UNION ALL
SELECT reason, count(*) FROM audience WHERE reason IS NOT NULL GROUP BY reason
"""  # noqa: S608 - only constants


def freeze(
    mailing: Mailing, lists_in: Sequence[int], lists_out: Sequence[int]
) -> tuple[int, dict[str, int]]:
    """(number of messages, {reason: number of people left out})"""
    known = parameters(mailing.workspace_id, lists_in, lists_out) | {"mailing": mailing.pk}
    with connection.cursor() as cursor:
        cursor.execute(FREEZE, known)
        counts = dict(cursor.fetchall())
    return counts.pop(None), counts
