"""Shares of a pool's messages among its relays: by weight, while the other relays keep up.

Each member has a count of messages that it took of the pool's; the count decays within a minute. A
relay over its share takes one small piece a second, so that no message waits without need. A relay
takes as much as it can if it is alone, or if the others wait or are at their own limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp
from typing import Any

from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest

from relays.models import PoolMember, Relay
from relays.queries.able import able

# Shares are averaged over this many seconds.
WINDOW = 60.0
# A relay that took nothing for this many seconds doesn't keep up.
IDLE = 5.0
# A relay is over its share if it took more than TOLERANCE times its share, and SOME messages more.
TOLERANCE, SOME = 1.05, 20.0
EVERY = timedelta(seconds=1)
ALL = 1_000_000

# Without relays that are left out of this mailing: they carry none of its messages.
MEMBERS = f"""
SELECT p.relay_id, greatest(p.weight, 1), p.carried, p.carried_at, r.next_slot_at
  FROM relays_poolmember p
  JOIN relays_relay r ON r.id = p.relay_id
 WHERE p.pool_id = %(pool)s
   AND (p.relay_id = %(relay)s
        OR (p.tier = (SELECT tier FROM relays_poolmember
                       WHERE pool_id = %(pool)s AND relay_id = %(relay)s)
            AND {able("r", opened="%(opened)s", now="%(now)s")}
            AND p.relay_id <> ALL (%(left_out)s)))
"""  # noqa: S608 - only constants of ours

CARRIED = """
UPDATE relays_poolmember
   SET carried = %(count)s + coalesce(
         carried * exp(-greatest(extract(epoch FROM %(now)s - carried_at), 0) / %(window)s), 0),
       carried_at = %(now)s
 WHERE pool_id = %(pool)s AND relay_id = %(relay)s
"""


@dataclass(frozen=True, slots=True)
class Pooled:
    """A mailing that goes through a pool. `opened_at`: draining relays take only older mailings.
    `left_out`: relays of the pool that must not carry it."""

    pool_id: int
    opened_at: datetime
    left_out: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PoolShare:
    """A relay in a pool. `carried`: its messages of about the last minute."""

    relay_id: int
    weight: int
    carried: float
    carried_at: datetime | None
    # When its rate allows the next message; later than now: it is at its limit.
    next_slot_at: datetime | None

    def keeps_up(self, now: datetime) -> bool:
        active = self.carried_at is not None and (now - self.carried_at).total_seconds() < IDLE
        return active and (self.next_slot_at is None or self.next_slot_at <= now)


def most(relay: Relay, pool: Pooled, now: datetime) -> int | datetime:
    """How many of the pool's messages the relay may take now by its weight, or when it may."""
    known: dict[str, Any] = {
        "pool": pool.pool_id,
        "left_out": list(pool.left_out),
        "relay": relay.pk,
        "opened": pool.opened_at,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, known)
        members = [
            PoolShare(pk, weight, _faded(carried, at, now), at, booked)
            for pk, weight, carried, at, booked in cursor.fetchall()
        ]
    return piece(relay.pk, members, now)


def _faded(carried: float, at: datetime | None, now: datetime) -> float:
    age = max(0.0, (now - at).total_seconds()) if at else 0.0
    return carried * exp(-age / WINDOW)


def piece(relay_id: int, members: Sequence[PoolShare], now: datetime) -> int | datetime:
    """As `most`; `members`: the relays of the pool that can work now."""
    mine = next((one for one in members if one.relay_id == relay_id), None)
    if mine is None or not any(one.keeps_up(now) for one in members if one.relay_id != relay_id):
        return ALL
    total = sum(one.carried for one in members)
    share = mine.weight / sum(one.weight for one in members)
    if mine.carried <= total * share * TOLERANCE + SOME * share:
        return ALL
    if mine.carried_at is not None and mine.carried_at + EVERY > now:
        return mine.carried_at + EVERY
    return max(1, int(total / WINDOW * share))


def carried(relay: Relay, pool_id: int, count: int, now: datetime) -> None:
    known: dict[str, Any] = {
        "pool": pool_id,
        "relay": relay.pk,
        "count": count,
        "now": now,
        "window": WINDOW,
    }
    with connection.cursor() as cursor:
        cursor.execute(CARRIED, known)


def give_back(relay: Relay, pool_id: int | None, unused: int) -> None:
    if pool_id is not None:
        PoolMember.objects.filter(pool_id=pool_id, relay=relay).update(
            carried=Greatest(F("carried") - unused, 0.0)
        )
