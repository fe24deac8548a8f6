"""Holds a relay to its limits across all workers; what is reached becomes a wait with its end.

Hours and days are counted in PostgreSQL before messages are handed over, so they survive anything;
what was reserved and not used is given back. Messages per second are handed out as stretches of
time from one row: whoever reserves n messages owns the next n / rate seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, cast

from django.db import connection, transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from sending.models import Relay, RelaySlot, RelayUse

SLOT_LEASE = timedelta(seconds=30)
# More processes than this on one relay bring nothing that connections don't.
MOST_SLOTS = 4
# A stretch that begins later than this, in seconds, is not worth sitting and waiting for.
LONGEST_SIT = 2.0

SLOT = """
UPDATE sending_relayslot SET holder = %(holder)s, leased_until = now() + %(lease)s
 WHERE id = (SELECT id FROM sending_relayslot
              WHERE relay_id = %(relay)s AND number < %(slots)s
                AND (leased_until IS NULL OR leased_until < now())
              ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, number
"""

STRETCH = """
UPDATE sending_relay
   SET next_slot_at = greatest(coalesce(next_slot_at, now()), now()) + %(length)s
 WHERE id = %(relay)s
RETURNING next_slot_at - %(length)s
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """A share of a relay's connections."""

    id: int
    number: int
    connections: int


def slots(relay: Relay) -> int:
    return max(1, min(relay.connections, MOST_SLOTS))


def take_slot(relay: Relay, holder: str) -> Slot | None:
    """A free slot of the relay, or None when others hold all of them."""
    number = slots(relay)
    RelaySlot.objects.bulk_create(
        [RelaySlot(relay=relay, number=n) for n in range(number)], ignore_conflicts=True
    )
    known: dict[str, Any] = {
        "holder": holder,
        "relay": relay.pk,
        "lease": SLOT_LEASE,
        "slots": number,
    }
    with connection.cursor() as cursor:
        cursor.execute(SLOT, known)
        row = cursor.fetchone()
    if row is None:
        return None
    share, more = divmod(relay.connections, number)
    return Slot(row[0], row[1], max(1, share + (1 if row[1] < more else 0)))


def renew_slot(slot: Slot, holder: str) -> None:
    RelaySlot.objects.filter(pk=slot.id, holder=holder).update(
        leased_until=timezone.now() + SLOT_LEASE
    )


def free_slots(holder: str) -> None:
    RelaySlot.objects.filter(holder=holder).update(leased_until=None, holder="")


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to hand over `count` messages, one each `spacing` seconds from `begin` on."""

    count: int
    hour: datetime
    begin: datetime
    spacing: float


@dataclass(frozen=True, slots=True)
class Wait:
    reason: str
    until: datetime


@transaction.atomic
def reserve(relay: Relay, wanted: int) -> Grant | Wait:
    """Up to `wanted` messages within the relay's limits, or what has to be waited for."""
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    if relay.per_hour or relay.per_day:
        # One reservation at a time; the relay's row is the lock.
        Relay.objects.select_for_update(no_key=True).get(pk=relay.pk)
        quota = _quota(relay, hour)
        if isinstance(quota, Wait):
            return quota
        wanted = min(wanted, quota)
    spacing = 0.0
    begin = now
    if relay.per_second:
        rate = float(relay.per_second)
        spacing = 1 / rate
        # About a second's worth, so that a pause or a change of the limit is soon felt.
        wanted = max(1, min(wanted, ceil(rate)))
        begin = _stretch(relay, timedelta(seconds=wanted * spacing))
    RelayUse.objects.bulk_create([RelayUse(relay=relay, hour=hour, count=0)], ignore_conflicts=True)
    RelayUse.objects.filter(relay=relay, hour=hour).update(count=F("count") + wanted)
    return Grant(wanted, hour, begin, spacing)


def _quota(relay: Relay, hour: datetime) -> int | Wait:
    """How many messages this hour and this UTC day still allow."""
    day = hour.replace(hour=0)
    uses = RelayUse.objects.filter(relay=relay, hour__gte=day)
    used = uses.aggregate(
        day=Sum("count", default=0), hour=Sum("count", default=0, filter=_in(hour))
    )
    left = []
    if relay.per_day is not None:
        if used["day"] >= relay.per_day:
            return Wait("per_day", day + timedelta(days=1))
        left.append(relay.per_day - used["day"])
    if relay.per_hour is not None:
        if used["hour"] >= relay.per_hour:
            return Wait("per_hour", hour + timedelta(hours=1))
        left.append(relay.per_hour - used["hour"])
    return int(min(left))


def _in(hour: datetime) -> Q:
    return Q(hour=hour)


def _stretch(relay: Relay, length: timedelta) -> datetime:
    with connection.cursor() as cursor:
        known: dict[str, Any] = {"relay": relay.pk, "length": length}
        cursor.execute(STRETCH, known)
        return cast("datetime", cursor.fetchall()[0][0])


def give_back(relay: Relay, grant: Grant, unused: int) -> None:
    if unused:
        RelayUse.objects.filter(relay=relay, hour=grant.hour).update(count=F("count") - unused)


def used(relay: Relay) -> dict[str, int]:
    """{"hour": n, "day": n}: messages of this UTC hour and day."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    counts = RelayUse.objects.filter(relay=relay, hour__gte=hour.replace(hour=0)).aggregate(
        day=Sum("count", default=0), hour=Sum("count", default=0, filter=_in(hour))
    )
    return {"hour": counts["hour"], "day": counts["day"]}
