"""Looks for due work and says why a mailing waits. The broker is only told: run this relay."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from sending import pace
from sending.models import Mailing, Relay
from sending.services import relayhealth
from sending.services.mailings import drop_cancelled, finish_all

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

# Every live mailing with a row for each relay that may carry it, and when its next message is due.
ROUTES = """
SELECT m.id, m.wait_reason, m.wait_until, next.due_at, r.id
  FROM sending_mailing m
  LEFT JOIN sending_relay r
         ON r.id = m.relay_id
         OR r.id IN (SELECT relay_id FROM sending_poolmember p WHERE p.pool_id = m.pool_id)
  LEFT JOIN LATERAL (SELECT min(due_at) AS due_at FROM sending_message
                      WHERE mailing_id = m.id AND state = 0) next ON true
 WHERE m.state = 'sending'
"""

SAY = """
UPDATE sending_mailing m SET wait_reason = w.reason, wait_until = w.until
  FROM unnest(%(ids)s::bigint[], %(reasons)s::text[], %(untils)s::timestamptz[])
       AS w (id, reason, until)
 WHERE m.id = w.id AND m.state = 'sending'
"""

Wait = tuple[str, datetime | None]


@dataclass(slots=True)
class _Live:
    """A mailing that is being sent, as one tick sees it."""

    said: Wait
    due: datetime | None
    relays: list[int]


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
    finish_all()
    _say_why()
    cancelled = Mailing.objects.filter(state=Mailing.State.CANCELLED, tally__waiting__gt=0)
    for mailing in cancelled:
        drop_cancelled(mailing)


def _say_why() -> None:
    """Three statements for all mailings; the last one only when something changed."""
    live = _live_mailings()
    relays = Relay.objects.in_bulk({pk for one in live.values() for pk in one.relays})
    changed: dict[int, Wait] = {}
    for mailing_id, one in live.items():
        wait = _wait([relays[pk] for pk in one.relays if pk in relays], one.due)
        if wait != one.said:
            changed[mailing_id] = wait
    if not changed:
        return
    known: dict[str, Any] = {
        "ids": list(changed),
        "reasons": [reason for reason, _ in changed.values()],
        "untils": [until for _, until in changed.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(SAY, known)


def _live_mailings() -> dict[int, _Live]:
    live: dict[int, _Live] = {}
    relays: defaultdict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(ROUTES)
        for mailing_id, reason, until, due, relay_id in cursor.fetchall():
            relays[mailing_id] += [relay_id] if relay_id else []
            live[mailing_id] = _Live((reason, until), due, relays[mailing_id])
    return live


def _wait(relays: list[Relay], due: datetime | None) -> Wait:
    """(code of sending.reasons, until); ("", None) while a relay could carry it."""
    if not any(relayhealth.ready(relay) for relay in relays):
        return _why_no_relay(relays)
    return ("retrying", due) if due and due > timezone.now() else ("", None)


def _why_no_relay(relays: list[Relay]) -> Wait:
    """The relay that is back first explains the wait."""
    waiting = [relay for relay in relays if relay.state == Relay.State.ACTIVE and relay.wait_until]
    if waiting:
        first = min(waiting, key=lambda relay: relay.wait_until or timezone.now())
        return first.wait_reason, first.wait_until
    stopped = any(relay.state == Relay.State.STOPPED for relay in relays)
    return ("relay_stopped" if stopped else "relay_paused"), None
