"""A relay's replies in the last hours: the curves of its page, and their sums."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pages import locales, reasons
from relays.queries import uses
from smtp.replies import Meaning

# {hours: seconds of a bucket}: from 60 to 96 points.
PERIODS = {1: 60, 6: 300, 24: 900, 168: 7200}
HOURS = 6


@dataclass(frozen=True, slots=True)
class ReplyClass:
    """A class of replies: its `role` in charts, and the word for it."""

    role: str
    label: str | Promise


ACCEPTED = ReplyClass("accepted", _("Accepted"))
PUT_OFF = ReplyClass("deferred", _("Put off"))
SLOWER = ReplyClass("slowed", _("Asked to go slower"))
REFUSED = ReplyClass("failed", _("Refused"))
TROUBLE = ReplyClass("trouble", _("Trouble of the relay"))
UNKNOWN = ReplyClass("unknown", _("Unknown"))
# In the order of the stacked chart, from the bottom.
MEANINGS = {*(one.value for one in Meaning), "unknown"}
KINDS = (ACCEPTED, PUT_OFF, SLOWER, REFUSED, TROUBLE, UNKNOWN)

# Index: the unique one on (relay, minute, meaning). A busy week has 10,080 minutes with three or
# four meanings each. Buckets begin at midnight of the reader's zone.
SUMS = """
SELECT date_bin(make_interval(secs => %(width)s), minute, %(origin)s) AS bucket,
       meaning, minute >= %(end)s AS running, sum(count), sum(seconds)
  FROM relays_relayminute
 WHERE relay_id = %(relay)s AND minute >= %(start)s
 GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Total:
    """`count` replies of one meaning, and their `share` of all as a text for the reader."""

    meaning: str
    kind: ReplyClass
    words: str
    count: int
    share: str


@dataclass(frozen=True, slots=True)
class Curves:
    """`replies`: messages a minute by class; `latency`: milliseconds from a mail's last byte to its
    reply; both for figure[data-chart]. `totals`: of the whole period with the current minute."""

    replies: dict[str, Any]
    latency: dict[str, Any]
    totals: list[Total]


def kind_of(meaning: str) -> ReplyClass:
    if meaning == "unknown":
        return UNKNOWN
    if meaning not in MEANINGS:
        return TROUBLE
    known = Meaning(meaning)
    if known is Meaning.ACCEPTED:
        return ACCEPTED
    if known is Meaning.RATE:
        return SLOWER
    if known.fails:
        return REFUSED
    return PUT_OFF if known.retries else TROUBLE


def curves(relay_id: int, hours: int) -> Curves:
    """`hours`: a key of PERIODS. The curves leave out the current minute: it is incomplete, so each
    curve would end in a fall."""
    end, buckets = _time(hours)
    width = PERIODS[hours]
    rows = _sums(relay_id, hours, end, buckets)
    counts: Counter[tuple[dt.datetime, str]] = Counter()
    waited: Counter[dt.datetime] = Counter()
    totals: Counter[str] = Counter()
    for bucket, meaning, running, count, seconds in rows:
        totals[meaning] += int(count)
        if running:
            continue
        counts[bucket, kind_of(meaning).role] += int(count)
        if meaning == Meaning.ACCEPTED.value:
            waited[bucket] += seconds
    return Curves(
        _replies(buckets, counts, end, width) if rows else _none(),
        _latency(buckets, counts, waited) if totals[Meaning.ACCEPTED.value] else _none(),
        _totals(totals),
    )


def _time(hours: int) -> tuple[dt.datetime, list[dt.datetime]]:
    """(begin of the current minute, begins of the buckets before it)"""
    end = timezone.now().replace(second=0, microsecond=0)
    step = dt.timedelta(seconds=PERIODS[hours])
    return end, _buckets(end, dt.timedelta(hours=hours), step)


def _sums(
    relay_id: int, hours: int, end: dt.datetime, buckets: list[dt.datetime]
) -> list[tuple[Any, ...]]:
    known: dict[str, Any] = {
        "relay": relay_id,
        "width": PERIODS[hours],
        "origin": buckets[0],
        "start": buckets[0],
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(SUMS, known)
        return list(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class CountedInterval:
    """The number of replies, or of messages, from `begin` until before `end`."""

    begin: dt.datetime
    end: dt.datetime
    count: int


def intervals(relay_id: int, hours: int, meaning: str) -> list[CountedInterval]:
    """The replies of one total by time, the newest first; their sum is the total."""
    end, buckets = _time(hours)
    counts: Counter[dt.datetime] = Counter()
    for bucket, found, _running, count, _seconds in _sums(relay_id, hours, end, buckets):
        if found == meaning:
            counts[bucket] += int(count)
    width = dt.timedelta(seconds=PERIODS[hours])
    return [CountedInterval(one, one + width, counts[one]) for one in sorted(counts, reverse=True)]


def handed_today(relay_id: int) -> list[CountedInterval]:
    """Messages handed to the relay on this UTC day by hour, the newest first: the numbers that its
    limits of hour and day count."""
    width = dt.timedelta(hours=1)
    rows = uses.of_day([relay_id], timezone.now())
    used = rows.exclude(count=0).order_by("-hour").values_list("hour", "count")
    return [CountedInterval(begin, begin + width, count) for begin, count in used]


def begins(hours: int) -> dt.datetime:
    """The begin of the shown period."""
    return _time(hours)[1][0]


def _buckets(end: dt.datetime, span: dt.timedelta, step: dt.timedelta) -> list[dt.datetime]:
    """Begins of the buckets, the oldest first; each has ended, or began at least a minute ago."""
    midnight = timezone.localtime(end).replace(hour=0, minute=0).astimezone(dt.UTC)
    first = midnight + step * ((end - span - midnight) // step)
    return [first + step * number for number in range(-((first - end) // step))]


def _none() -> dict[str, Any]:
    return {"labels": [], "series": []}


def _replies(
    buckets: list[dt.datetime],
    counts: Counter[tuple[dt.datetime, str]],
    end: dt.datetime,
    width: int,
) -> dict[str, Any]:
    minutes = [min((end - bucket).total_seconds(), width) / 60 for bucket in buckets]
    seen = {role for _bucket, role in counts}
    return {
        "labels": [bucket.isoformat() for bucket in buckets],
        "series": [
            {
                "name": str(kind.label),
                "role": kind.role,
                "values": [
                    round(counts[bucket, kind.role] / length, 1)
                    for bucket, length in zip(buckets, minutes, strict=True)
                ],
            }
            for kind in KINDS
            if kind is ACCEPTED or kind.role in seen
        ],
    }


def _latency(
    buckets: list[dt.datetime],
    counts: Counter[tuple[dt.datetime, str]],
    waited: Counter[dt.datetime],
) -> dict[str, Any]:
    accepted = [counts[bucket, ACCEPTED.role] for bucket in buckets]
    return {
        "labels": [bucket.isoformat() for bucket in buckets],
        "series": [
            {
                "name": str(_("Reply time, ms")),
                "role": "opened",
                "values": [
                    round(waited[bucket] / count * 1000, 1) if count else None
                    for bucket, count in zip(buckets, accepted, strict=True)
                ],
            }
        ],
    }


def _totals(totals: Counter[str]) -> list[Total]:
    """The totals by class; in a class, the most frequent meaning first."""
    whole = sum(totals.values())
    order = {kind.role: place for place, kind in enumerate(KINDS)}
    found = [
        Total(meaning, kind_of(meaning), words_of(meaning), count, locales.percent(count, whole))
        for meaning, count in totals.items()
    ]
    return sorted(found, key=lambda one: (order[one.kind.role], -one.count))


def words_of(meaning: str) -> str:
    """The sentence for a meaning; "" if the name of its class says the same."""
    if meaning == "unknown":
        return reasons.text("in_doubt")
    return "" if meaning == Meaning.ACCEPTED.value else reasons.text(meaning)
