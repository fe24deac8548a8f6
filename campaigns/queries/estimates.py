"""Estimates when a campaign will be done, from its messages, its relays' limits and its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from django.utils import timezone

from campaigns import forecast
from campaigns.forecast import Way
from campaigns.queries import routes
from relays import warmups, windows
from relays.models import Relay
from relays.queries import uses
from relays.queries.uses import Used

Uses = Mapping[int, Used]


def used(relays: Sequence[Relay]) -> Uses:
    """{relay id: messages already used of its limits}, for `finish`; one query."""
    return uses.of([relay.pk for relay in relays], timezone.now())


@dataclass(frozen=True, slots=True)
class Own:
    """The campaign's own limits: a window (relays.windows) and messages a minute."""

    window: Mapping[str, Any] = field(default_factory=dict)
    per_minute: float | None = None


def finish(
    tiers: Mapping[Relay, int], count: int, *, begin: datetime, used: Uses, own: Own
) -> datetime | None:
    """When the last of `count` messages is sent if the first may be sent at `begin`; None: there is
    no relay, or the end is too far ahead. `tiers`: {relay that works: its tier}."""
    if not count:
        return None
    ways = [_way(relay, begin, used.get(relay.pk, Used()), tier) for relay, tier in tiers.items()]
    intervals = partial(windows.open_interval, own.window)
    return forecast.finish(ways, count, begin=begin, window=intervals, per_minute=own.per_minute)


@dataclass(slots=True)
class _Warming:
    """A relay's warm-up for the forecast: if the relay has sent nothing yet, it begins with this
    campaign."""

    warmup: Any
    warmup_began: date | None
    per_day: int | None


def _way(relay: Relay, begin: datetime, used: Used, tier: int) -> Way:
    begin, now = begin.astimezone(UTC), timezone.now().astimezone(UTC)
    today = begin.date() == now.date()
    this_hour = today and begin.hour == now.hour
    warming = _Warming(relay.warmup, relay.warmup_began or begin.date(), relay.per_day)
    return Way(
        rate=routes.rate(relay),
        tier=tier,
        per_hour=relay.per_hour,
        per_day=partial(warmups.per_day, warming),
        used_hour=used.hour if this_hour else 0,
        used_day=used.day if today else 0,
    )
