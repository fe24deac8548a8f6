"""How the largest lists of a workspace grew, as a chart."""

import datetime as dt
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.models import Workspace

DAYS = 90
# One line each; more can't be told apart.
LISTS = 5
# Seconds that a chart is cached: it reads every subscription, 0.6 s for a million.
KEEP = 600
# Up to so many subscribers it is fast, and not cached.
QUICK = 50_000

# For the largest lists: how many were subscribed at the end of each day, from the current rows.
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


def chart(workspace: Workspace, days: int = DAYS) -> dict[str, Any]:
    """A chart: subscribed to the largest lists at the end of each of the last days."""
    zone = timezone.get_current_timezone_name()

    key = f"list-growth-{workspace.pk}-{zone}-{timezone.localdate()}"
    found: dict[str, Any] = cache.get(key) or _chart(workspace, days, zone)
    if sum(one["values"][-1] for one in found["series"]) > QUICK:
        cache.set(key, found, KEEP)
    return found


def _chart(workspace: Workspace, days: int, zone: str) -> dict[str, Any]:
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
    # From the first day with anybody on a list; at least two days, to draw a line.
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
    """Totals of all days: a day without changes has the total of the day before."""
    values, total = [], 0
    for day in calendar:
        total = by_day.get(day, total)
        values.append(total)
    return values
