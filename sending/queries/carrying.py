"""Which mailings a relay carries now, and in which order: priorities, turns, tiers of pools."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from relays import providers, windows
from relays.models import Lane, Relay
from relays.queries import clock
from relays.services import pace
from sending.models import Mailing
from sending.purposes import TRANSACTIONAL
from sending.queries.blocks import of_live
from sending.queries.due import HELD_LANE, carries

# Mailings that may go through the relay and have something to claim. Each part is one look into an
# index, whatever the size of the mailing. Of a pool only while no relay of a lower tier can work:
# when one can again, the others are asked for nothing new.
MAY = f"""
SELECT m.id, m.priority, m."window"
  FROM sending_mailing m JOIN relays_relay r ON r.id = %(relay)s
 WHERE {carries("r", "%(now)s")}
   AND (m.per_minute IS NULL OR m.next_slot_at IS NULL OR m.next_slot_at <= %(soon)s)
   AND (EXISTS (SELECT 1 FROM sending_mailinglane l
                 WHERE l.mailing_id = m.id AND l.next_id <= l.last_id AND l.lane <> ALL(%(shut)s)
                   AND NOT {HELD_LANE.format(relay="r.id")})
        OR EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id AND b.holder = '')
        OR EXISTS (SELECT 1 FROM sending_message t
                    WHERE t.mailing_id = m.id /* of t */ AND t.retry_at <= %(now)s))
 ORDER BY m.id
"""  # noqa: S608 - only constants of ours

# {relay id: how often it was asked}, in this process.
_turns: Counter[int] = Counter()


def mailings_for(relay: Relay) -> list[Mailing]:
    """Mailings to take one batch of each in turn, with their workspaces, the most urgent
    first. While transactional mail is due there is nothing else. Within a priority each call begins
    with another one, so that all come first equally often, also when a round is never finished; a
    relay belongs to one workspace, and its workspaces' turns are its relays'."""
    now = clock.now()
    known: dict[str, Any] = {
        "relay": relay.pk,
        "now": now,
        "soon": now + timedelta(seconds=pace.AHEAD),
        "shut": _shut(relay, now),
    }
    with connection.cursor() as cursor:
        cursor.execute(of_live(MAY), known)
        rows = [
            (pk, priority)
            for pk, priority, window in cursor.fetchall()
            if windows.opens(json.loads(window), now) is None
        ]
    _turns[relay.pk] += 1
    ids = ordered(rows, _turns[relay.pk])
    found = Mailing.objects.select_related("workspace").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def ordered(rows: Sequence[tuple[int, int]], turn: int) -> list[int]:
    """Ids of (id, priority), the lowest priority first; within one, begun at `turn`."""
    by_priority: dict[int, list[int]] = {}
    for pk, priority in rows:
        by_priority.setdefault(priority, []).append(pk)
    if TRANSACTIONAL in by_priority:
        by_priority = {TRANSACTIONAL: by_priority[TRANSACTIONAL]}
    ids: list[int] = []
    for priority in sorted(by_priority):
        group = by_priority[priority]
        begin = turn % len(group)
        ids += group[begin:] + group[:begin]
    return ids


def _shut(relay: Relay, now: datetime) -> list[int]:
    """Numbers of lanes that are closed: nobody of theirs is claimed anew."""
    names = Lane.objects.filter(relay=relay, closed_until__gt=now).values_list("name", flat=True)
    return [number for name in names if (number := providers.lane_number(name))]
