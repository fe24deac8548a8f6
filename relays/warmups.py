"""Warm-up: how many mails a new relay sends on each of its first days. Plans are in warmups.toml.
Pure.

A relay's plan is {"plan": "usual"} or {"days": [50, 100, ...]}; {}: no plan. Days are UTC days,
counted from the first day of sending.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from django.utils.translation import get_language

from relays.exceptions import RelaysError

MOST_DAYS, MOST_MAILS = 365, 100_000_000


class WarmupError(RelaysError, ValueError):
    """The plan is invalid; the text says why."""


class Warming(Protocol):
    """The fields of a relay that a warm-up needs."""

    @property
    def warmup(self) -> Any: ...
    @property
    def warmup_began(self) -> date | None: ...
    @property
    def per_day(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    key: str
    names: Mapping[str, str]
    days: tuple[int, ...]

    @property
    def name(self) -> str:
        language = (get_language() or "en").partition("-")[0]
        return self.names.get(language, self.names["en"])


@dataclass(frozen=True, slots=True)
class WarmupProgress:
    """The current `day` of `days` (1 is the first), and the mails allowed on it."""

    day: int
    days: int
    most: int


@cache
def plans() -> dict[str, Plan]:
    """{key: plan} in the order in which they are offered."""
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        entries = tomllib.load(file)
    return {key: Plan(key, one["name"], tuple(one["days"])) for key, one in entries.items()}


def check(warmup: Mapping[str, Any]) -> None:
    """Raises WarmupError."""
    if not warmup:
        return
    days = warmup.get("days")
    if days is None:
        if warmup.get("plan") not in plans():
            raise WarmupError(f"plan: one of {', '.join(plans())}")
    elif not isinstance(days, list) or not 1 <= len(days) <= MOST_DAYS:
        raise WarmupError(f"days: 1 to {MOST_DAYS} numbers")
    elif not all(type(one) is int and 1 <= one <= MOST_MAILS for one in days):
        raise WarmupError("days: each a number of mails, at least 1")


def days_of(warmup: Mapping[str, Any]) -> tuple[int, ...]:
    """The mails of each day; () without a plan."""
    if "days" in warmup:
        return tuple(warmup["days"])
    plan = plans().get(warmup.get("plan", ""))
    return plan.days if plan else ()


def progress(relay: Warming, day: date) -> WarmupProgress | None:
    """The progress on `day`; None: there is no plan, or it is over."""
    days = days_of(relay.warmup)
    number = max(0, (day - relay.warmup_began).days) if relay.warmup_began else 0
    return WarmupProgress(number + 1, len(days), days[number]) if number < len(days) else None


def per_day(relay: Warming, day: date) -> int | None:
    """The most that the relay sends on `day`: the plan's number or its own limit, whichever is
    smaller; None: no limit."""
    now = progress(relay, day)
    planned = now.most if now is not None else None
    limits = [limit for limit in (relay.per_day, planned) if limit is not None]
    return min(limits, default=None)
