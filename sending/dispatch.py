"""Looks for due work and says why a mailing waits. The broker is only told: run this relay."""

from datetime import datetime

from django.db import connection
from django.utils import timezone

from sending import pace
from sending.models import Mailing, Relay
from sending.services import relayhealth
from sending.services.mailings import drop_cancelled, finish

# Relays that could work now: active, not waiting, with a mailing that has something due.
WORK = """
SELECT DISTINCT r.id, r.connections
  FROM sending_mailing m
  JOIN sending_relay r
    ON r.id = m.relay_id
    OR r.id IN (SELECT relay_id FROM sending_poolmember p WHERE p.pool_id = m.pool_id)
 WHERE m.state = 'sending' AND r.state = 'active'
   AND (r.wait_until IS NULL OR r.wait_until <= now())
   AND EXISTS (SELECT 1 FROM sending_message
                WHERE mailing_id = m.id AND state = 0 AND due_at <= now())
"""

BUSY = """
SELECT relay_id, count(*) FROM sending_relayslot WHERE leased_until > now() GROUP BY 1
"""


def relays_to_run() -> dict[int, int]:
    """{relay id: number of runners that could start now}"""
    with connection.cursor() as cursor:
        cursor.execute(WORK)
        wanted = {row[0]: min(row[1], pace.MOST_SLOTS) for row in cursor.fetchall()}
        cursor.execute(BUSY)
        busy = dict(cursor.fetchall())
    return {pk: free for pk, slots in wanted.items() if (free := slots - busy.get(pk, 0)) > 0}


def tend_mailings() -> None:
    """Finishes mailings whose ledger closes, and keeps the reason why the others wait."""
    for mailing in Mailing.objects.filter(state=Mailing.State.SENDING).select_related("relay"):
        if not finish(mailing):
            _say_why(mailing)
    cancelled = Mailing.objects.filter(state=Mailing.State.CANCELLED, tally__waiting__gt=0)
    for mailing in cancelled:
        drop_cancelled(mailing)


def _say_why(mailing: Mailing) -> None:
    reason, until = _wait(mailing)
    if (reason, until) != (mailing.wait_reason, mailing.wait_until):
        Mailing.objects.filter(pk=mailing.pk, state=Mailing.State.SENDING).update(
            wait_reason=reason, wait_until=until
        )


def _wait(mailing: Mailing) -> tuple[str, datetime | None]:
    """(code of sending.reasons, until); ("", None) while a relay could carry it."""
    relays = relays_of(mailing)
    if not any(relayhealth.ready(relay) for relay in relays):
        return _why_no_relay(relays)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(due_at) FROM sending_message WHERE mailing_id = %s AND state = 0",
            [mailing.pk],
        )
        row = cursor.fetchone()
    due = row[0] if row else None
    return ("retrying", due) if due and due > timezone.now() else ("", None)


def _why_no_relay(relays: list[Relay]) -> tuple[str, datetime | None]:
    """The relay that is back first explains the wait."""
    waiting = [relay for relay in relays if relay.state == Relay.State.ACTIVE and relay.wait_until]
    if waiting:
        first = min(waiting, key=lambda relay: relay.wait_until or timezone.now())
        return first.wait_reason, first.wait_until
    stopped = any(relay.state == Relay.State.STOPPED for relay in relays)
    return ("relay_stopped" if stopped else "relay_paused"), None


def relays_of(mailing: Mailing) -> list[Relay]:
    if mailing.relay_id is not None:
        return list(Relay.objects.filter(pk=mailing.relay_id))
    return list(Relay.objects.filter(pools__pool=mailing.pool))
