"""Holds a relay to its limits over all workers and hosts; what is reached becomes a wait with its
end.

All of it stands in PostgreSQL, one UPDATE a slice of about a second, and on its clock:

- Rates are reserved as intervals of time: whoever reserves n messages owns the next n / rate
  seconds of `next_slot_at`. A worker that dies loses its interval, and nothing is ever exceeded by
  more than one slice.
- Hours and days are counted before messages are handed over, so they survive anything; what was
  reserved and not used is given back.
- Connections are shared by lease, by what each worker may have open.

Why here and not in the broker: see docs/developers/sending.md, Pace.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, inf

from django.db import transaction
from django.db.models import F, Manager, Model

from relays import warmups
from relays.lanes import PROBE, WHOLE
from relays.models import Relay
from relays.queries import clock, poolshares, uses
from relays.queries import rates as ratequery
from relays.queries.poolshares import Pooled
from relays.queries.slots import (
    MOST_SLOTS,
    Slot,
    connections,
    free_slots,
    free_slots_of,
    renew_slot,
    take_slot,
    too_many,
)
from relays.queries.uses import Used

__all__ = [
    "MOST_SLOTS",
    "Reservation",
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
    "wait",
]

# Seconds of a rate that are reserved at once: a pause or a change of the limit is soon felt.
SLICE = 1.0
# An interval is reserved this long before it begins, in seconds, so that a worker can claim ahead.
AHEAD = 1.0
# A relay that failed tries with one message each so many seconds until one is through.
PROBE_EVERY = 2.0
# Shorter waits than this, in seconds, are the pace itself and nothing to tell.
WORTH_TELLING = 5.0


def _rows(of: type[Model]) -> Manager[Model]:
    return of._default_manager  # noqa: SLF001 - the documented way to a model's manager


@dataclass(frozen=True, slots=True)
class ReservedInterval:
    """A piece of time taken out of the rate of a row with `next_slot_at`: of a relay, or of what
    asks it. `spacing` in seconds."""

    of: type[Model]
    id: int
    end: datetime
    spacing: float

    @classmethod
    def take(
        cls, of: type[Model], pk: int, begin: datetime, *, count: int, spacing: float
    ) -> "ReservedInterval":
        """Writes the row's `next_slot_at`."""
        end = begin + timedelta(seconds=count * spacing)
        _rows(of).filter(pk=pk).update(next_slot_at=end)
        return cls(of, pk, end, spacing)

    def give_back(self, unused: int) -> None:
        """Only the end of the last interval can be given back: who came later has his place."""
        length = timedelta(seconds=unused * self.spacing)
        last = _rows(self.of).filter(pk=self.id, next_slot_at=self.end)
        last.update(next_slot_at=F("next_slot_at") - length)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave to hand over `count` messages, the first after `delay` seconds, then one each `spacing`
    seconds (0: at once)."""

    count: int
    hour: datetime
    delay: float = 0.0
    spacing: float = 0.0
    intervals: tuple[ReservedInterval, ...] = ()
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
def reserve(relay: Relay, wanted: int, pool: Pooled | None = None) -> Reservation | Wait:
    """Up to `wanted` messages within the relay's limits and its share of the pool, or what has to
    be waited for.

    In a transaction of its own. Waits of the relay that are worth telling are written there.
    """
    now = clock.now()
    share = poolshares.most(relay, pool, now) if pool else wanted
    if isinstance(share, datetime):
        return wait("share", share, now, of_relay=False)
    rates = _lock(relay)
    found = _limits(relay, rates, min(wanted, share))
    if isinstance(found, Wait):
        if found.seconds > WORTH_TELLING:
            Relay.objects.filter(pk=relay.pk).update(
                wait_until=found.until, wait_reason=found.reason
            )
        return found
    return _reserve(relay, rates, found, pool)


def wait(reason: str, until: datetime, now: datetime, *, of_relay: bool = True) -> Wait:
    return Wait(reason, until, of_relay, max(0.0, (until - now).total_seconds()))


def _lock(relay: Relay) -> _Rates:
    """One reservation at a time; the relay's row is the lock."""
    next_slot_at, failures, rate, closed_until, half_open, reason = ratequery.lock(relay.pk)
    # Asked through the clock that tests can step.
    return _Rates(
        clock.now(), next_slot_at, failures, rate, closed_until, bool(half_open), reason or ""
    )


def _limits(relay: Relay, rates: _Rates, wanted: int) -> int | Wait:
    """How many messages the relay allows now; at least one."""
    now = rates.now
    if rates.closed_until is not None and rates.closed_until > now:
        return wait(rates.closed_why or "rate", rates.closed_until, now)
    begin = max(rates.next_slot_at or now, now)
    rate, reason = _rate(relay, rates)
    earliest = begin - timedelta(seconds=0 if rates.probing else AHEAD)
    if earliest > now and rate < inf:
        return wait(reason, earliest, now)
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
    hour = uses.hour_of(now)
    day = hour.replace(hour=0)
    most = warmups.per_day(relay, day.date())
    if most is None and relay.per_hour is None:
        return 1_000_000
    used = uses.of([relay.pk], now).get(relay.pk, Used())
    if most is not None and used.day >= most:
        own = relay.per_day is not None and relay.per_day <= most
        return wait("per_day" if own else "warmup", day + timedelta(days=1), now)
    if relay.per_hour is not None and used.hour >= relay.per_hour:
        return wait("per_hour", hour + timedelta(hours=1), now)
    limits = ((most, used.day), (relay.per_hour, used.hour))
    return min(limit - number for limit, number in limits if limit is not None)


def _reserve(relay: Relay, rates: _Rates, count: int, pool: Pooled | None) -> Reservation:
    """Takes the interval and counts the messages."""
    now = rates.now
    rate, _ = _rate(relay, rates)
    begin = max(rates.next_slot_at or now, now) if rate < inf else now
    intervals = []
    if rate < inf:
        intervals.append(
            ReservedInterval.take(Relay, relay.pk, begin, count=count, spacing=1 / rate)
        )
    if rates.closed_until is not None:
        _probe(relay, now)
    if relay.warmup and relay.warmup_began is None:
        _begin_warmup(relay, now)
    hour = uses.hour_of(now)
    uses.add(relay.pk, hour, count)
    if pool:
        poolshares.carried(relay, pool.pool_id, count, now)
    return Reservation(
        count,
        hour,
        delay=(begin - now).total_seconds(),
        spacing=intervals[0].spacing if intervals else 0.0,
        intervals=tuple(intervals),
        pool_id=pool.pool_id if pool else None,
    )


def _probe(relay: Relay, now: datetime) -> None:
    """The one message that tries is out: the others wait for what comes of it."""
    relay.lanes.filter(name=WHOLE).update(
        half_open=True, closed_until=now + timedelta(seconds=PROBE)
    )


def _begin_warmup(relay: Relay, now: datetime) -> None:
    Relay.objects.filter(pk=relay.pk, warmup_began=None).update(warmup_began=now.date())


def trim(relay: Relay, reservation: Reservation, count: int) -> Reservation:
    """The reservation for `count` messages, no more than it is for: the rest is given back at once,
    for whoever has use for it."""
    surplus = reservation.count - count
    give_back(relay, reservation, surplus)
    intervals = tuple(
        replace(one, end=one.end - timedelta(seconds=surplus * one.spacing))
        for one in reservation.intervals
    )
    return replace(reservation, count=count, intervals=intervals)


def count_back(relay: Relay, moment: datetime, unused: int) -> None:
    """Messages that were counted in the hour of `moment`, and not handed over."""
    uses.take_back(relay.pk, uses.hour_of(moment), unused)


def give_back(relay: Relay, reservation: Reservation, unused: int) -> None:
    """What of a reservation was not handed over, when that is certain."""
    if unused <= 0:
        return
    count_back(relay, reservation.hour, unused)
    poolshares.give_back(relay, reservation.pool_id, unused)
    for one in reservation.intervals:
        one.give_back(unused)


def used(relay: Relay) -> Used:
    """Messages of this UTC hour and day."""
    return uses.of([relay.pk], clock.now()).get(relay.pk, Used())
