"""Daily limits of a person's actions, counted over all workspaces. Days are those of UTC."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from accounts.models import DailyUse, User
from accounts.queries import dailyuse


@dataclass(frozen=True, slots=True)
class Allowance:
    """How often the person may still act today, and when the day ends."""

    limit: int
    left: int
    until: dt.datetime


def left(user: User, what: str, limit: int) -> Allowance:
    today = _today()
    used = DailyUse.objects.filter(user=user, what=what, day=today).values_list("count", flat=True)
    tomorrow = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), dt.UTC)
    return Allowance(limit, max(0, limit - (used.first() or 0)), tomorrow)


def take(user: User, what: str, limit: int, count: int = 1) -> bool:
    """Counts `count` actions if the limit still allows all of them. Returns whether it did."""
    if count > limit:
        return False
    today = _today()
    DailyUse.objects.filter(user=user, what=what, day__lt=today).delete()
    return dailyuse.take(user, what, today, count=count, limit=limit)


def _today() -> dt.date:
    return timezone.now().astimezone(dt.UTC).date()
