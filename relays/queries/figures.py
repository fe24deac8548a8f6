"""Present figures of relays: rate, reply time, connections, use of limits, slowed lanes. Each query
serves many relays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.utils import timezone

from relays.models import Lane, RelayMinute, RelaySlot
from relays.queries import uses

# Whole minutes for the rate, beside the current one; a mailing's page does the same.
MINUTES = 1


@dataclass(slots=True)
class Figures:
    """`per_second`: answered messages over the last minutes. `latency`: mean seconds from a mail's
    last byte to its reply; None: no mail was accepted. `open`: connections. `slowed`: number of
    lanes. `hour`, `day`: messages of this UTC hour and day, for the limits. `silent_since`: see
    `silent`."""

    per_second: float = 0.0
    latency: float | None = None
    open: int = 0
    hour: int = 0
    day: int = 0
    slowed: int = 0
    silent_since: datetime | None = None


def of(relay_ids: Sequence[int]) -> dict[int, Figures]:
    """{relay id: figures}. Six queries for any number of relays."""
    found = {pk: Figures() for pk in relay_ids}
    _rates(found)
    _uses(found)
    leased = RelaySlot.objects.filter(relay_id__in=found, leased_until__gt=timezone.now())
    for pk, count in _grouped(leased, Sum("open")):
        found[pk].open = count
    for pk, count in _grouped(slowed().filter(relay_id__in=found), Count("pk")):
        found[pk].slowed = count
    for pk, since in silent(relay_ids).items():
        found[pk].silent_since = since
    return found


def silent(relay_ids: Iterable[int]) -> dict[int, datetime]:
    """{relay id: since when}, of relays whose server has sent no owed reply to any worker for at
    least slots.SILENT seconds."""
    asking = RelaySlot.objects.filter(
        Q(silent_since__isnull=False) | Q(open__gt=0),
        relay_id__in=relay_ids,
        leased_until__gt=timezone.now(),
    )
    rows = (
        asking.order_by()
        .values("relay_id")
        .annotate(since=Min("silent_since"), spoken=Count("pk", filter=Q(silent_since=None)))
    )
    return {
        row["relay_id"]: row["since"]
        for row in rows
        if row["since"] is not None and not row["spoken"]
    }


def _grouped(rows: QuerySet[Any], figure: Any) -> list[tuple[int, int]]:
    grouped = rows.order_by().values("relay_id").annotate(figure=figure)
    return list(grouped.values_list("relay_id", "figure"))


def _rates(found: dict[int, Figures]) -> None:
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    seconds = MINUTES * 60 + (now - minute).total_seconds()
    accepted = Q(meaning="accepted")
    rows = (
        RelayMinute.objects.filter(
            relay_id__in=found, minute__gte=minute - timedelta(minutes=MINUTES)
        )
        .values("relay_id")
        .annotate(
            answered=Sum("count"),
            accepted=Sum("count", filter=accepted),
            waited=Sum("seconds", filter=accepted),
        )
    )
    for row in rows:
        figures = found[row["relay_id"]]
        figures.per_second = row["answered"] / seconds
        figures.latency = row["waited"] / row["accepted"] if row["accepted"] else None


def _uses(found: dict[int, Figures]) -> None:
    for pk, used in uses.of(found, timezone.now()).items():
        found[pk].hour, found[pk].day = used.hour, used.day


def slowed() -> QuerySet[Lane]:
    """Lanes with a limit now: the closed ones first, then the slowest."""
    now = timezone.now()
    held = Q(rate__isnull=False) | Q(closed_until__gt=now) | Q(half_open=True)
    return Lane.objects.filter(held).order_by(
        F("closed_until").desc(nulls_last=True), F("rate").asc(nulls_last=True), "name"
    )
