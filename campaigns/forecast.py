"""Forecasts when a number of messages is sent, by relays' limits, a window and a maximum rate.
Pure.

It steps from one event to the next: a limit is used up, an hour or a UTC day ends, a window closes.
A campaign of weeks takes some hundred steps.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

HOUR = dt.timedelta(hours=1)
# No forecast beyond this.
LONGEST = dt.timedelta(days=400)
# A smaller remainder of a budget is a rounding error, not a message.
LITTLE = 1e-6

# The interval that is open at a moment, or else the next one: (begin, end); end None: it never
# ends. None: no interval opens any more.
OpenInterval = tuple[dt.datetime, dt.datetime | None]
Window = Callable[[dt.datetime], OpenInterval | None]


def always(moment: dt.datetime) -> OpenInterval:
    """The window of a mailing without one: always open."""
    return moment, None


@dataclass(slots=True)
class Way:
    """The capacity of one relay: messages a second, in each UTC hour, on each UTC day (None: no
    limit). `used_hour`, `used_day`: messages already used of the hour and day in which it begins.
    `tier`: it takes part while no relay of a lower tier has capacity left."""

    rate: float
    tier: int = 1
    per_hour: int | None = None
    per_day: Callable[[dt.date], int | None] = field(default=lambda _day: None)
    used_hour: int = 0
    used_day: int = 0


@dataclass(slots=True)
class _Running:
    """A way with the messages that are left to it in the present hour and day."""

    way: Way
    hour: float = 0.0
    day: float = 0.0

    def new_hour(self, used: int = 0) -> None:
        limit = self.way.per_hour
        self.hour = float("inf") if limit is None else max(0.0, limit - used)

    def new_day(self, day: dt.date, used: int = 0) -> None:
        limit = self.way.per_day(day)
        self.day = float("inf") if limit is None else max(0.0, limit - used)

    @property
    def left(self) -> float:
        return min(self.hour, self.day)


def finish(
    ways: Sequence[Way],
    count: int,
    *,
    begin: dt.datetime,
    window: Window = always,
    per_minute: float | None = None,
) -> dt.datetime | None:
    """When the last of `count` messages is sent if the first may be sent at `begin` (aware); None:
    never, or not within LONGEST."""
    now = begin.astimezone(dt.UTC)
    running = [_Running(way) for way in ways if way.rate > 0]
    for one in running:
        one.new_hour(one.way.used_hour)
        one.new_day(now.date(), one.way.used_day)
    hour, left = _hour(now), float(count)
    # Steps of a day suffice if no way has an hourly limit.
    hourly = any(one.way.per_hour is not None for one in running)
    while running and now - begin < LONGEST:
        opened = window(now)
        if opened is None:
            return None
        now, closes = max(now, opened[0].astimezone(dt.UTC)), opened[1]
        if _hour(now) != hour:
            _turn(running, hour, now)
            hour = _hour(now)
        edge = hour + HOUR if hourly else hour.replace(hour=0) + 24 * HOUR
        edge = min(edge, closes.astimezone(dt.UTC)) if closes else edge
        now, left = _send(running, left, now, edge, per_minute)
        if left <= LITTLE:
            return now
    return None


def _hour(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _turn(running: Sequence[_Running], before: dt.datetime, now: dt.datetime) -> None:
    for one in running:
        one.new_hour()
        if now.date() != before.date():
            one.new_day(now.date())


def _first_tier(able: Sequence[_Running]) -> list[_Running]:
    first = min((one.way.tier for one in able), default=0)
    return [one for one in able if one.way.tier == first]


def _send(
    running: Sequence[_Running],
    left: float,
    now: dt.datetime,
    edge: dt.datetime,
    per_minute: float | None,
) -> tuple[dt.datetime, float]:
    """Sends until `edge` or until nothing is left. Returns (the moment, messages left)."""
    while now < edge:
        able = _first_tier([one for one in running if one.left > LITTLE])
        rate = sum(one.way.rate for one in able)
        if not rate:
            return edge, left
        slower = min(1.0, per_minute / 60 / rate) if per_minute else 1.0
        seconds = min(
            (edge - now).total_seconds(),
            left / (rate * slower),
            *(one.left / (one.way.rate * slower) for one in able),
        )
        for one in able:
            sent = one.way.rate * slower * seconds
            one.hour, one.day = one.hour - sent, one.day - sent
        left -= rate * slower * seconds
        # At least a microsecond, so that the loop ends.
        now += dt.timedelta(seconds=max(seconds, 1e-6))
        if left <= LITTLE:
            break
    return now, left
