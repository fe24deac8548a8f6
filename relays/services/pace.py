"""Keeps a relay within its limits over all workers and hosts. A limit that is reached becomes a
wait with a stated end.

The state is in PostgreSQL and on its clock, with one UPDATE for a slice of about a second:

- Rates are reserved as intervals of time: a worker that reserves n messages owns the next n / rate
  seconds from `next_slot_at` on. If it dies, its interval is lost. No rate is exceeded by more than
  one slice.
- Messages of an hour and a day are counted before they are handed over, so that no crash loses the
  count. Unused reservations are given back.
- Connections are shared by lease: each worker may have a number of them open.

docs/developers/sending.md, section Pace, says why this isn't in the broker.
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

# Seconds of a rate that are reserved at once; few, so that a pause or a new limit acts soon.
SLICE = 1.0
# An interval is reserved this long before it begins, in seconds, so that a worker can claim ahead.
AHEAD = 1.0
# After failures, a relay tries one message every so many seconds, until one succeeds.
PROBE_EVERY = 2.0
# Shorter waits, in seconds, are not reported.
WORTH_TELLING = 5.0


def _rows(of: type[Model]) -> Manager[Model]:
    return of._default_manager  # noqa: SLF001 - the documented way to a model's manager


@dataclass(frozen=True, slots=True)
class ReservedInterval:
    """A reserved interval of a rate: that of a relay, or of another row with `next_slot_at`, such
    as a mailing. `spacing`: seconds between two messages."""

    of: type[Model]
    id: int
    end: datetime
    spacing: float

    @classmethod
    def take(
        cls, of: type[Model], pk: int, begin: datetime, *, count: int, spacing: float
    ) -> "ReservedInterval":
        """Reserves the interval: moves the row's `next_slot_at` to its end."""
        end = begin + timedelta(seconds=count * spacing)
        _rows(of).filter(pk=pk).update(next_slot_at=end)
        return cls(of, pk, end, spacing)

    def give_back(self, unused: int) -> None:
        """Gives back the end of the interval, only if no later interval was reserved after it."""
        length = timedelta(seconds=unused * self.spacing)
        last = _rows(self.of).filter(pk=self.id, next_slot_at=self.end)
        last.update(next_slot_at=F("next_slot_at") - length)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Permission to hand over `count` messages: the first after `delay` seconds, then one every
    `spacing` seconds (0: all at once)."""

    count: int
    hour: datetime
    delay: float = 0.0
    spacing: float = 0.0
    intervals: tuple[ReservedInterval, ...] = ()
    pool_id: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """No messages before `until` (PostgreSQL's clock), which is `seconds` from now. `reason`: a
    code of pages.reasons. Not `of_relay`: messages of other mailings or lanes may go."""

    reason: str
    until: datetime
    of_relay: bool = True
    seconds: float = 0.0


@dataclass(slots=True)
class _Rates:
    """The present values of the relay's row and of its own lane."""

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
    """Reserves up to `wanted` messages within the relay's limits and its share of the pool, or
    returns the wait.

    Runs in a transaction of its own. Writes waits of more than WORTH_TELLING seconds to the relay.
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
    """Locks the relay's row, so that one worker at a time reserves, and reads the rates."""
    next_slot_at, failures, rate, closed_until, half_open, reason = ratequery.lock(relay.pk)
    # Not part of the statement: tests can set `clock`.
    return _Rates(
        clock.now(), next_slot_at, failures, rate, closed_until, bool(half_open), reason or ""
    )


def _limits(relay: Relay, rates: _Rates, wanted: int) -> int | Wait:
    """How many messages the relay allows now (at least one), or the wait."""
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
    """(messages a second, code of its reason) of the lowest rate."""
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
    """How many messages this hour and this UTC day still allow, or the wait."""
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
    """Reserves the interval and counts the messages."""
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
    """Notes that the probe is on its way: other messages wait for its result."""
    relay.lanes.filter(name=WHOLE).update(
        half_open=True, closed_until=now + timedelta(seconds=PROBE)
    )


def _begin_warmup(relay: Relay, now: datetime) -> None:
    Relay.objects.filter(pk=relay.pk, warmup_began=None).update(warmup_began=now.date())


def trim(relay: Relay, reservation: Reservation, count: int) -> Reservation:
    """Reduces the reservation to `count` messages, and gives the others back at once, so that other
    workers can use them."""
    surplus = reservation.count - count
    give_back(relay, reservation, surplus)
    intervals = tuple(
        replace(one, end=one.end - timedelta(seconds=surplus * one.spacing))
        for one in reservation.intervals
    )
    return replace(reservation, count=count, intervals=intervals)


def count_back(relay: Relay, moment: datetime, unused: int) -> None:
    """Subtracts messages that were counted in the hour of `moment` and not handed over."""
    uses.take_back(relay.pk, uses.hour_of(moment), unused)


def give_back(relay: Relay, reservation: Reservation, unused: int) -> None:
    """Gives back `unused` messages of a reservation, which certainly weren't handed over."""
    if unused <= 0:
        return
    count_back(relay, reservation.hour, unused)
    poolshares.give_back(relay, reservation.pool_id, unused)
    for one in reservation.intervals:
        one.give_back(unused)


def used(relay: Relay) -> Used:
    """Messages of this UTC hour and day."""
    return uses.of([relay.pk], clock.now()).get(relay.pk, Used())
