"""Holds a relay to its limits over all workers and hosts; what is reached becomes a wait with its
end.

All of it stands in PostgreSQL, one UPDATE a slice of about a second, and on its clock:

- Rates are handed out as stretches of time: whoever reserves n messages owns the next n / rate
  seconds of `next_slot_at`. A worker that dies loses its stretch, and nothing is ever exceeded by
  more than one slice.
- Hours and days are counted before messages are handed over, so they survive anything; what was
  reserved and not used is given back.
- Connections are shared by lease, by what each worker may have open.

Why here and not in the broker: see docs/architecture.md, Pace.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, inf
from typing import Any, cast

from django.db import connection, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Greatest

from relays import clock, poolshares, warmups, windows
from relays.lanes import PROBE, WHOLE
from relays.models import Relay, RelayUse
from relays.slots import (
    MOST_SLOTS,
    Slot,
    connections,
    free_slots,
    free_slots_of,
    renew_slot,
    take_slot,
    too_many,
)
from sending.models import Mailing

__all__ = [
    "MOST_SLOTS",
    "Grant",
    "Slot",
    "Wait",
    "connections",
    "count_back",
    "free_slots",
    "free_slots_of",
    "give_back",
    "renew_slot",
    "reserve",
    "take_slot",
    "too_many",
    "trim",
    "used",
]

# Seconds of a rate that are handed out at once: a pause or a change of the limit is soon felt.
SLICE = 1.0
# A stretch is handed out this long before it begins, in seconds, so that a worker can claim ahead.
AHEAD = 1.0
# A relay that failed tries with one message each so many seconds until one is through.
PROBE_EVERY = 2.0
# Shorter waits than this, in seconds, are the pace itself and nothing to tell.
WORTH_TELLING = 5.0

LOCK = """
SELECT clock_timestamp(), r.next_slot_at, r.failures,
       w.rate, w.closed_until, w.half_open, w.reason
  FROM relays_relay r
  LEFT JOIN relays_lane w ON w.relay_id = r.id AND w.name = %(whole)s
 WHERE r.id = %(relay)s
   FOR NO KEY UPDATE OF r
"""

USE = """
INSERT INTO relays_relayuse (relay_id, hour, count) VALUES (%(relay)s, %(hour)s, %(count)s)
    ON CONFLICT (relay_id, hour) DO UPDATE SET count = relays_relayuse.count + excluded.count
"""

# Only the end of the last stretch can be given back: who came later has his place already.
RETURN = {
    "relay": "UPDATE relays_relay SET next_slot_at = next_slot_at - %(length)s"
    " WHERE id = %(id)s AND next_slot_at = %(end)s",
    "mailing": "UPDATE sending_mailing SET next_slot_at = next_slot_at - %(length)s"
    " WHERE id = %(id)s AND next_slot_at = %(end)s",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of time taken out of a relay's or a mailing's rate; `spacing` in seconds."""

    of: str
    id: int
    end: datetime
    spacing: float


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to hand over `count` messages, the first after `delay` seconds, then one each `spacing`
    seconds (0: at once)."""

    count: int
    hour: datetime
    delay: float = 0.0
    spacing: float = 0.0
    stretches: tuple[Stretch, ...] = ()
    pool_id: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing until then, on PostgreSQL's clock; `seconds` from now. `reason`: a code of
    sending.reasons. Not `of_relay`: other mailings may go."""

    reason: str
    until: datetime
    of_relay: bool = True
    seconds: float = 0.0


@dataclass(slots=True)
class _Rates:
    """What the relay's row and its own lane say at this moment."""

    now: datetime
    next_slot_at: datetime | None
    failures: int
    learned: float | None
    closed_until: datetime | None
    half_open: bool
    closed_why: str

    @property
    def probing(self) -> bool:
        return self.failures > 0 or self.closed_until is not None


@transaction.atomic
def reserve(relay: Relay, mailing: Mailing, wanted: int) -> Grant | Wait:
    """Up to `wanted` messages of the mailing within all limits, or what has to be waited for.

    In a transaction of its own. Waits of the relay that are worth telling are written there.
    """
    now = clock.now()
    if (opens := windows.opens(mailing.window, now)) is not None:
        return _wait("window", opens, now, of_relay=False)
    booked = _mailing_rate(mailing, now)
    if isinstance(booked, Wait):
        return booked
    share = poolshares.most(relay, mailing, now)
    if isinstance(share, datetime):
        return _wait("share", share, now, of_relay=False)
    rates = _lock(relay)
    found = _limits(relay, rates, min(wanted, share))
    if isinstance(found, Wait):
        if found.seconds > WORTH_TELLING:
            Relay.objects.filter(pk=relay.pk).update(
                wait_until=found.until, wait_reason=found.reason
            )
        return found
    return _grant(relay, mailing, rates, booked, found)


def _wait(reason: str, until: datetime, now: datetime, *, of_relay: bool = True) -> Wait:
    return Wait(reason, until, of_relay, max(0.0, (until - now).total_seconds()))


def _mailing_rate(mailing: Mailing, now: datetime) -> datetime | Wait:
    """When the mailing's next stretch begins; its row is locked if it has a rate."""
    if not mailing.per_minute:
        return now
    locked = Mailing.objects.select_for_update(no_key=True).only("next_slot_at")
    begin = max(locked.get(pk=mailing.pk).next_slot_at or now, now)
    earliest = begin - timedelta(seconds=AHEAD)
    if earliest > now:
        return _wait("mailing_rate", earliest, now, of_relay=False)
    return begin


def _lock(relay: Relay) -> _Rates:
    """One reservation at a time; the relay's row is the lock."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"relay": relay.pk, "whole": WHOLE})
        row = cursor.fetchall()[0]
    # Asked through the clock that tests can step.
    _, next_slot_at, failures, rate, closed_until, half_open, reason = row
    return _Rates(
        clock.now(), next_slot_at, failures, rate, closed_until, bool(half_open), reason or ""
    )


def _limits(relay: Relay, rates: _Rates, wanted: int) -> int | Wait:
    """How many messages the relay allows now; at least one."""
    now = rates.now
    if rates.closed_until is not None and rates.closed_until > now:
        return _wait(rates.closed_why or "rate", rates.closed_until, now)
    begin = max(rates.next_slot_at or now, now)
    rate, reason = _rate(relay, rates)
    earliest = begin - timedelta(seconds=0 if rates.probing else AHEAD)
    if earliest > now and rate < inf:
        return _wait(reason, earliest, now)
    left = _quota(relay, now)
    if isinstance(left, Wait):
        return left
    if rates.probing:
        return 1
    slice_ = wanted if rate == inf else ceil(rate * SLICE)
    return max(1, min(wanted, slice_, left))


def _rate(relay: Relay, rates: _Rates) -> tuple[float, str]:
    """(messages a second, the code of who says so): the tightest."""
    known = [(inf, "")]
    if relay.per_second:
        known.append((float(relay.per_second), "per_second"))
    if relay.per_minute:
        known.append((relay.per_minute / 60, "per_minute"))
    if rates.learned is not None:
        known.append((rates.learned, "rate"))
    if rates.failures:
        known.append((1 / PROBE_EVERY, "connection"))
    return min(known)


def _quota(relay: Relay, now: datetime) -> int | Wait:
    """How many messages this hour and this UTC day still allow."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    most = warmups.per_day(relay, day.date())
    if most is None and relay.per_hour is None:
        return 1_000_000
    uses = _uses(relay, hour)
    if most is not None and uses["day"] >= most:
        own = relay.per_day is not None and relay.per_day <= most
        return _wait("per_day" if own else "warmup", day + timedelta(days=1), now)
    if relay.per_hour is not None and uses["hour"] >= relay.per_hour:
        return _wait("per_hour", hour + timedelta(hours=1), now)
    limits = ((most, uses["day"]), (relay.per_hour, uses["hour"]))
    return min(limit - used for limit, used in limits if limit is not None)


def _uses(relay: Relay, hour: datetime) -> dict[str, int]:
    uses = RelayUse.objects.filter(relay=relay, hour__gte=hour.replace(hour=0))
    return cast(
        "dict[str, int]",
        uses.aggregate(
            day=Sum("count", default=0), hour=Sum("count", default=0, filter=Q(hour=hour))
        ),
    )


def _grant(relay: Relay, mailing: Mailing, rates: _Rates, booked: datetime, count: int) -> Grant:
    """Takes the stretches and counts the messages."""
    now = rates.now
    rate, _ = _rate(relay, rates)
    own = mailing.per_minute / 60 if mailing.per_minute else inf
    if own < inf:
        count = max(1, min(count, ceil(own * SLICE)))
    begin = max(rates.next_slot_at or now, now) if rate < inf else now
    stretches = []
    if rate < inf:
        stretches.append(_take("relay", relay.pk, begin, count, 1 / rate))
        Relay.objects.filter(pk=relay.pk).update(next_slot_at=stretches[-1].end)
    if own < inf:
        stretches.append(_take("mailing", mailing.pk, booked, count, 1 / own))
        Mailing.objects.filter(pk=mailing.pk).update(next_slot_at=stretches[-1].end)
    if rates.closed_until is not None:
        _probe(relay, now)
    if relay.warmup and relay.warmup_began is None:
        _begin_warmup(relay, now)
    hour = now.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(USE, {"relay": relay.pk, "hour": hour, "count": count})
    poolshares.carried(relay, mailing, count, now)
    return Grant(
        count,
        hour,
        delay=max(0.0, (max(begin, booked) - now).total_seconds()),
        spacing=max((one.spacing for one in stretches), default=0.0),
        stretches=tuple(stretches),
        pool_id=mailing.pool_id,
    )


def _take(of: str, pk: int, begin: datetime, count: int, spacing: float) -> Stretch:
    return Stretch(of, pk, begin + timedelta(seconds=count * spacing), spacing)


def _probe(relay: Relay, now: datetime) -> None:
    """The one message that tries is out: the others wait for what comes of it."""
    relay.lanes.filter(name=WHOLE).update(
        half_open=True, closed_until=now + timedelta(seconds=PROBE)
    )


def _begin_warmup(relay: Relay, now: datetime) -> None:
    Relay.objects.filter(pk=relay.pk, warmup_began=None).update(warmup_began=now.date())


def trim(relay: Relay, grant: Grant, count: int) -> Grant:
    """The grant for `count` messages, no more than it is for: the rest is given back at once, for
    whoever has use for it."""
    surplus = grant.count - count
    give_back(relay, grant, surplus)
    stretches = tuple(
        replace(one, end=one.end - timedelta(seconds=surplus * one.spacing))
        for one in grant.stretches
    )
    return replace(grant, count=count, stretches=stretches)


def count_back(relay: Relay, moment: datetime, unused: int) -> None:
    """Messages that were counted in the hour of `moment`, and not handed over."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    uses = RelayUse.objects.filter(relay=relay, hour=hour)
    uses.update(count=Greatest(F("count") - unused, 0))


def give_back(relay: Relay, grant: Grant, unused: int) -> None:
    """What of a grant was not handed over, when that is certain."""
    if unused <= 0:
        return
    count_back(relay, grant.hour, unused)
    poolshares.give_back(relay, grant.pool_id, unused)
    with connection.cursor() as cursor:
        for one in grant.stretches:
            known: dict[str, Any] = {
                "id": one.id,
                "end": one.end,
                "length": timedelta(seconds=unused * one.spacing),
            }
            cursor.execute(RETURN[one.of], known)


def used(relay: Relay) -> dict[str, int]:
    """{"hour": n, "day": n}: messages of this UTC hour and day."""
    return _uses(relay, clock.now().replace(minute=0, second=0, microsecond=0))
