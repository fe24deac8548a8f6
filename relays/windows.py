"""When a mailing may send: days of the week and hours in a time zone. Pure.

A window is {"days": [1..7] (Monday is 1), "from": "09:00", "to": "18:00", "zone": "Asia/Shanghai"};
{} is always. If it ends before it begins ("22:00" to "06:00"), it ends on the next day; `days` are
the days on which it begins.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from relays.exceptions import RelaysError

DAY = timedelta(days=1)


class WindowError(RelaysError, ValueError):
    """The window is invalid; the text says why."""


def check(window: Mapping[str, Any]) -> None:
    """Raises WindowError."""
    if not window:
        return
    days = window.get("days")
    if not isinstance(days, list) or not days or not set(days) <= set(range(1, 8)):
        raise WindowError("days: one or more of 1 (Monday) to 7 (Sunday)")
    try:
        begin, end = (time.fromisoformat(str(window[name])) for name in ("from", "to"))
    except (KeyError, ValueError) as error:
        raise WindowError("from, to: hours such as 09:00") from error
    if begin == end or begin.tzinfo or end.tzinfo:
        raise WindowError("from, to: two different hours, without a zone")
    try:
        ZoneInfo(str(window["zone"]))
    except (KeyError, ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise WindowError("zone: a name such as Asia/Shanghai") from error


def open_interval(
    window: Mapping[str, Any], moment: datetime
) -> tuple[datetime, datetime | None] | None:
    """(begin, end) in UTC of the interval that is open at `moment` (aware), or else of the next
    one. Without a window: (moment, None). None: no interval opens any more."""
    if not window:
        return moment, None
    zone = ZoneInfo(window["zone"])
    today = moment.astimezone(zone).date()
    # From yesterday, whose interval may still be open, over a week, in which each day comes once,
    # to one day more, because a change of the clocks can remove a day's interval.
    for number in range(-1, 9):
        day = today + number * DAY
        if day.isoweekday() not in window["days"]:
            continue
        begin, end = _on(window, day, zone)
        if moment < end and begin < end:
            return begin, end
    return None


def _on(window: Mapping[str, Any], day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begin, end = time.fromisoformat(window["from"]), time.fromisoformat(window["to"])
    last = day + DAY if end <= begin else day
    # In UTC, so that the length is right on days when clocks change.
    return (
        datetime.combine(day, begin, zone).astimezone(UTC),
        datetime.combine(last, end, zone).astimezone(UTC),
    )


def opens(window: Mapping[str, Any], moment: datetime) -> datetime | None:
    """When the window opens; None: it is open."""
    found = open_interval(window, moment)
    if found is None:  # not possible with a window that `check` accepts
        return moment + 7 * DAY
    return found[0] if found[0] > moment else None
