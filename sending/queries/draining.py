"""Pauses draining relays when their mailings are over."""

from django.db import connection

from sending.queries.due import ROUTED

# A relay goes on draining while a mailing is live that was open when the draining began and may
# still go through the relay.
DRAINED = f"""
UPDATE relays_relay r SET state = 'paused', state_since = now(), draining_since = NULL
 WHERE r.state = 'draining'
   AND NOT EXISTS (
     SELECT 1 FROM sending_mailing m
      WHERE m.state IN ('sending', 'paused') AND m.opened_at <= r.draining_since
        AND {ROUTED.format(relay="r")})
"""  # noqa: S608 - only constants of ours


def finish_draining() -> int:
    """Pauses draining relays whose mailings are over. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(DRAINED)
        return int(cursor.rowcount)
