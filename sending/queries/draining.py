"""Relays that are drained are paused when their mailings are over."""

from django.db import connection

from sending.queries.due import ROUTED

# Of a draining relay: a mailing that was open when it began to drain and may still go through it.
DRAINED = f"""
UPDATE relays_relay r SET state = 'paused', state_since = now(), draining_since = NULL
 WHERE r.state = 'draining'
   AND NOT EXISTS (
     SELECT 1 FROM sending_mailing m
      WHERE m.state IN ('sending', 'paused') AND m.opened_at <= r.draining_since
        AND {ROUTED.format(relay="r")})
"""  # noqa: S608 - only constants of ours


def finish_draining() -> int:
    """Pauses draining relays whose mailings are over. How many."""
    with connection.cursor() as cursor:
        cursor.execute(DRAINED)
        return int(cursor.rowcount)
