"""How many messages a relay has used of this hour and this day (UTC). Messages count before they
are handed over, in the hour of that moment; those that were not handed over are subtracted again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Greatest

from relays.models import RelayUse

ADD = """
INSERT INTO relays_relayuse (relay_id, hour, count) VALUES (%(relay)s, %(hour)s, %(count)s)
    ON CONFLICT (relay_id, hour) DO UPDATE SET count = relays_relayuse.count + excluded.count
"""


@dataclass(frozen=True, slots=True)
class Used:
    """Messages of this hour, and of this day including this hour."""

    hour: int = 0
    day: int = 0


def hour_of(moment: datetime) -> datetime:
    """The begin of the hour; `moment` in UTC."""
    return moment.replace(minute=0, second=0, microsecond=0)


def of_day(relays: Iterable[int], moment: datetime) -> QuerySet[RelayUse]:
    """The rows that count for the day of this moment."""
    return RelayUse.objects.filter(
        relay__in=list(relays), hour__gte=hour_of(moment).replace(hour=0)
    )


def of(relays: Iterable[int], moment: datetime) -> dict[int, Used]:
    """{relay id: messages used}; without relays that have used none."""
    rows = of_day(relays, moment).order_by().values("relay_id")
    found = rows.annotate(
        day=Sum("count"), now=Sum("count", default=0, filter=Q(hour=hour_of(moment)))
    )
    return {row["relay_id"]: Used(row["now"], row["day"]) for row in found}


def add(relay_id: int, hour: datetime, count: int) -> None:
    known: dict[str, Any] = {"relay": relay_id, "hour": hour, "count": count}
    with connection.cursor() as cursor:
        cursor.execute(ADD, known)


def take_back(relay_id: int, hour: datetime, count: int) -> None:
    rows = RelayUse.objects.filter(relay=relay_id, hour=hour)
    rows.update(count=Greatest(F("count") - count, 0))
