"""What the home page shows: from tallies and the few rows that matter now."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.queries import progress
from sending.models import Mailing

# It is over, and more recipients failed than got it. A retry makes it send again.
MOSTLY_FAILED = Q(
    mailing__state=Mailing.State.FINISHED,
    mailing__tally__failed__gt=F("mailing__tally__accepted") + F("mailing__tally__unknown"),
)

DAYS = 30
GROWTH_DAYS = 90
# A line each; more can't be told apart.
LISTS = 5
# Growth reads every subscription: 0.6 s for a million.
KEEP_GROWTH = 600
# Up to here it is quick, and not kept.
QUICK = 50_000


@dataclass(frozen=True, slots=True)
class Sums:
    """What came of some campaigns, in messages."""

    targeted: int = 0
    accepted: int = 0
    failed: int = 0
    bounced: int = 0
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0

    @property
    def sent(self) -> int:
        return self.accepted + self.failed


COUNTED = ("targeted", "accepted", "failed", "bounced", "opened", "clicked", "unsubscribed")


def started_within(workspace: Workspace, *, days: int, ago: int = 0) -> QuerySet[Campaign]:
    """Campaigns that started in these days; `ago`: the days end so many before now."""
    end = timezone.now() - dt.timedelta(days=ago)
    begun = Q(mailing__opened_at__gte=end - dt.timedelta(days=days))
    if ago:
        begun &= Q(mailing__opened_at__lt=end)
    return Campaign.objects.filter(begun, workspace=workspace)


def sums(rows: QuerySet[Campaign]) -> Sums:
    """What came of these campaigns until now, from their tallies. Home shows this of the last days
    and links to the page of campaigns, which shows it of the same campaigns."""
    total = rows.order_by().aggregate(
        **{name: Coalesce(Sum(f"mailing__tally__{name}"), 0) for name in COUNTED}
    )
    return Sums(**total)


def last_days(workspace: Workspace, days: int = DAYS) -> tuple[Sums, Sums]:
    """Of campaigns that started in (the last days, as many before them)."""
    now = started_within(workspace, days=days)
    return sums(now), sums(started_within(workspace, days=days, ago=days))


def campaigns(workspace: Workspace) -> QuerySet[Campaign]:
    """Campaigns with what `progress.of` needs of their mailings."""
    related = (f"mailing__{name}" for name in progress.RELATED)
    prefetch = (f"mailing__{name}" for name in progress.PREFETCH)
    return (
        Campaign.objects.filter(workspace=workspace)
        .select_related("mailing", *related)
        .prefetch_related(*prefetch)
    )


def going_out(workspace: Workspace) -> list[Campaign]:
    """What is being sent or paused, the newest first."""
    return list(campaigns(workspace).filter(mailing__state__in=progress.LIVE).order_by("-pk")[:10])


def scheduled(workspace: Workspace) -> list[Campaign]:
    rows = Campaign.objects.filter(workspace=workspace, state=Campaign.State.SCHEDULED)
    return list(rows.order_by("scheduled_at")[:5])


def lately(workspace: Workspace) -> list[Campaign]:
    """The last campaigns that are over."""
    over = (Mailing.State.FINISHED, Mailing.State.CANCELLED)
    rows = Campaign.objects.filter(workspace=workspace, mailing__state__in=over)
    return list(rows.select_related("mailing__tally").order_by("-mailing__opened_at")[:5])


# For the largest lists: how many were subscribed at the end of each day, as the rows tell it.
GROWTH = """
WITH largest AS (
  SELECT l.id, l.name, count(*) AS size
    FROM contacts_list l JOIN contacts_subscription s ON s.list_id = l.id
   WHERE l.workspace_id = %(workspace)s AND l.archived_at IS NULL AND s.status = 'subscribed'
   GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT %(lists)s),
change AS (
  SELECT list_id, greatest(created_at, %(start)s) AS at, 1 AS step
    FROM contacts_subscription WHERE list_id IN (SELECT id FROM largest)
  UNION ALL
  SELECT list_id, greatest(changed_at, %(start)s), -1
    FROM contacts_subscription
   WHERE list_id IN (SELECT id FROM largest) AND status = 'unsubscribed'),
a_day AS (
  SELECT list_id, (at AT TIME ZONE %(zone)s)::date AS day, sum(step) AS step
    FROM change GROUP BY 1, 2)
SELECT l.name, d.day, sum(d.step) OVER (PARTITION BY l.id ORDER BY d.day)
  FROM largest l JOIN a_day d ON d.list_id = l.id
 ORDER BY l.size DESC, l.id, d.day
"""


def growth(workspace: Workspace, days: int = GROWTH_DAYS) -> dict[str, Any]:
    """A chart: subscribed to the largest lists at the end of each of the last days."""
    zone = timezone.get_current_timezone_name()

    key = f"home-growth-{workspace.pk}-{zone}-{timezone.localdate()}"
    chart: dict[str, Any] = cache.get(key) or _growth(workspace, days, zone)
    if sum(one["values"][-1] for one in chart["series"]) > QUICK:
        cache.set(key, chart, KEEP_GROWTH)
    return chart


def _growth(workspace: Workspace, days: int, zone: str) -> dict[str, Any]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    first = (midnight - dt.timedelta(days=days - 1)).date()
    start = dt.datetime.combine(first, dt.time(), midnight.tzinfo)
    known: dict[str, Any] = {
        "workspace": workspace.pk,
        "lists": LISTS,
        "start": start,
        "zone": zone,
    }
    with connection.cursor() as cursor:
        cursor.execute(GROWTH, known)
        rows = cursor.fetchall()
    totals: dict[str, dict[dt.date, int]] = {}
    for name, day, total in rows:
        totals.setdefault(name, {})[day] = int(total)
    # From the first day with anybody on a list; two days at least, which make a line.
    seen = min((day for _name, day, total in rows if total), default=midnight.date())
    late = min((seen - first).days, days - 2)
    first, days = first + dt.timedelta(days=late), days - late
    calendar = [first + dt.timedelta(days=n) for n in range(days)]
    # Midnight of the reader's zone: a bare date would be read as UTC.
    labels = [dt.datetime.combine(day, dt.time(), midnight.tzinfo).isoformat() for day in calendar]
    return {
        "labels": labels,
        "series": [
            {"name": name, "values": _carried(by_day, calendar)} for name, by_day in totals.items()
        ],
    }


def _carried(by_day: dict[dt.date, int], calendar: list[dt.date]) -> list[int]:
    """Days on which nothing changed have the total of the day before."""
    values, total = [], 0
    for day in calendar:
        total = by_day.get(day, total)
        values.append(total)
    return values
