"""Events over time, for charts: sums of minutes, in buckets whose width grows with the span."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.opencounting import OpenCounting
from sending.models import Mailing, TallyMinute

# Widths of a bucket in seconds. The first one that needs at most POINTS buckets is used.
WIDTHS = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 24 * 3600)
POINTS = 120
# Shorter spans get empty buckets around them, because a single point draws no line.
FEWEST = 5
# Later events are left out: they are few, and would make all buckets wider.
LONGEST = dt.timedelta(days=30)

Chart = dict[str, Any]

# Buckets begin at midnight of the reader's zone.
SUMS = """
SELECT date_bin(make_interval(secs => %(width)s), minute, %(origin)s) AS bucket,
       sum(accepted), sum(failed), sum(bounced), sum(opened + pictures_loaded), sum(clicked),
       sum(unsubscribed), sum(machine_opened), sum(machine_clicked)
  FROM sending_tallyminute
 WHERE mailing_id = %(mailing)s AND minute >= %(start)s AND minute <= %(end)s
 GROUP BY 1
"""
COLUMNS = (
    *("accepted", "failed", "bounced", "opened", "clicked", "unsubscribed"),
    *("machine_opened", "machine_clicked"),
)


def width_for(span: dt.timedelta) -> int:
    """The width of a bucket in seconds."""
    return next((w for w in WIDTHS if span.total_seconds() / w <= POINTS), WIDTHS[-1])


def sending(mailing: Mailing) -> Chart:
    """Accepted and failed messages, from the first to the last minute with any."""
    sent = mailing.minutes.exclude(accepted=0, failed=0)
    names = {"accepted": _("Accepted"), "failed": _("Failed")}
    return _chart(mailing, names, sent.aggregate(start=Min("minute"), end=Max("minute")))


def returns(mailing: Mailing) -> Chart:
    """Opens, clicks, bounces and unsubscriptions, from the first minute on; those of machines
    beside those of people if there are any. Without opens of persons, pictures loaded: no mailing
    has both."""
    totals, tally = mailing.open_counting == OpenCounting.TOTALS, mailing.tally
    names = {
        "opened": _("Pictures loaded") if totals else _("Opened"),
        **({"machine_opened": _("Opened by machines")} if tally.machine_opened else {}),
        "clicked": _("Clicked"),
        **({"machine_clicked": _("Clicked by machines")} if tally.machine_clicked else {}),
        "bounced": _("Bounced"),
        "unsubscribed": _("Unsubscribed"),
    }
    came = TallyMinute.objects.filter(mailing=mailing).exclude(
        **dict.fromkeys(("machine_opened", "machine_clicked"), 0),
        **dict.fromkeys(("opened", "pictures_loaded", "clicked", "bounced", "unsubscribed"), 0),
    )
    return _chart(mailing, names, came.aggregate(start=Min("minute"), end=Max("minute")))


def _chart(mailing: Mailing, names: dict[str, str], span: dict[str, Any]) -> Chart:
    if span["start"] is None:
        return {"labels": [], "series": []}
    start = span["start"]
    end = min(span["end"], start + LONGEST)
    midnight = timezone.localtime(start).replace(hour=0, minute=0, second=0, microsecond=0)
    width = width_for(end - start)
    known = {
        "mailing": mailing.pk,
        "width": width,
        "origin": midnight,
        "start": start,
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(SUMS, known)
        sums = {bucket: row for bucket, *row in cursor.fetchall()}
    buckets = _buckets(midnight, start, end, width)
    return {
        "labels": [bucket.isoformat() for bucket in buckets],
        "series": [
            {"name": name, "role": role, "values": _values(sums, buckets, COLUMNS.index(role))}
            for role, name in names.items()
        ],
    }


def _buckets(origin: dt.datetime, start: dt.datetime, end: dt.datetime, width: int) -> list[Any]:
    step = dt.timedelta(seconds=width)
    origin = origin.astimezone(dt.UTC)  # in UTC steps are equal, also when summer time begins
    bucket = origin + step * ((start - origin) // step)
    buckets = []
    while bucket <= end:
        buckets.append(bucket)
        bucket += step
    for turn in range(FEWEST - len(buckets)):
        if turn % 2:
            buckets.append(buckets[-1] + step)
        else:
            buckets.insert(0, buckets[0] - step)
    return buckets


def _values(
    sums: dict[dt.datetime, Sequence[int]], buckets: Sequence[dt.datetime], column: int
) -> list[int]:
    return [int(sums[bucket][column]) if bucket in sums else 0 for bucket in buckets]
