"""Batches that workers claimed: whether they may go on."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from relays.queries.able import TAKES
from sending.queries.due import HELD_ROUTE

STATES = f"""
SELECT b.id, m.state = 'sending' AND {TAKES.format(relay="r", opened="m.opened_at")}
       AND NOT {HELD_ROUTE.format(relay="r.id")}
  FROM unnest(%(ids)s::bigint[], %(holders)s::text[]) AS h (id, holder)
  JOIN sending_batch b ON b.id = h.id AND b.holder = h.holder
  JOIN sending_mailing m ON m.id = b.mailing_id
  JOIN relays_relay r ON r.id = b.relay_id
"""  # noqa: S608 - only constants of ours


def going_on(keys: Sequence[tuple[int, str]]) -> dict[int, bool]:
    """{batch id: whether its mailing is sent and its relay takes it} of those of these (batch id,
    holder) that are still claimed."""
    known: dict[str, Any] = {"ids": [key[0] for key in keys], "holders": [key[1] for key in keys]}
    with connection.cursor() as cursor:
        cursor.execute(STATES, known)
        return dict(cursor.fetchall())
