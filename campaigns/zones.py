"""Converts wall-clock times of a zone into moments, including gaps and overlaps when clocks change.
Pure."""

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime

from babel.dates import format_datetime
from django.utils.translation import gettext as _

from pages import locales


@dataclass(frozen=True, slots=True)
class Moment:
    """A wall-clock time of a zone, and its moment.

    `wall` (without a zone) is the time that clocks there show at `at` (UTC). `asked` is the time
    that was typed. If clocks skip it, `wall` is later by the length of the gap. `twice`: clocks
    show it twice, and `at` is the first of both moments.
    """

    at: datetime
    zone: str
    asked: datetime
    wall: datetime
    twice: bool = False

    @property
    def skipped(self) -> bool:
        return self.asked != self.wall


def known(name: str) -> str:
    """The zone's name; UTC for an unknown one."""
    return name if name in zoneinfo.available_timezones() else "UTC"


def moment(asked: datetime, zone: str) -> Moment:
    """`asked` has no zone; raises zoneinfo.ZoneInfoNotFoundError for an unknown zone."""
    there = zoneinfo.ZoneInfo(zone)
    local = asked.replace(tzinfo=there, fold=0)
    at = local.astimezone(UTC)
    wall = at.astimezone(there).replace(tzinfo=None, fold=0)
    later = asked.replace(tzinfo=there, fold=1).astimezone(UTC)
    return Moment(at, zone, asked, wall, twice=later > at and wall == asked)


def of(at: datetime, zone: str) -> Moment:
    """The moment as shown by clocks of the zone."""
    wall = at.astimezone(zoneinfo.ZoneInfo(known(zone))).replace(tzinfo=None, fold=0)
    return Moment(at.astimezone(UTC), known(zone), wall, wall)


def short(at: datetime, zone: str) -> str:
    """For buttons and tables: "Fri 27 Nov 09:00", 11月27日周五 09:00; the year if it is another."""
    local = at.astimezone(zoneinfo.ZoneInfo(known(zone)))
    other_year = local.year != datetime.now(UTC).year
    pattern = _("EEE d MMM y HH:mm") if other_year else _("EEE d MMM HH:mm")
    return str(format_datetime(local, pattern, locale=locales.current()))


def meant(moment: Moment, *, reader: str) -> list[str]:
    """Sentences with the moment in UTC and in the reader's zone, and about gaps and overlaps."""
    said = []
    utc, own = short(moment.at, "UTC"), short(moment.at, reader)
    if moment.zone != "UTC" and reader not in {moment.zone, "UTC"}:
        words = _("That is {utc} UTC, and {own} in your zone ({zone}).")
        said.append(words.format(utc=utc, own=own, zone=reader))
    elif moment.zone != "UTC":
        said.append(_("That is {utc} UTC.").format(utc=utc))
    elif reader != "UTC":
        said.append(_("That is {own} in your zone ({zone}).").format(own=own, zone=reader))
    asked, wall = f"{moment.asked:%H:%M}", f"{moment.wall:%H:%M}"
    if moment.skipped:
        words = _("Clocks in {zone} go forward then and never show {asked}: it starts at {wall}.")
        said.append(words.format(zone=moment.zone, asked=asked, wall=wall))
    if moment.twice:
        words = _("Clocks in {zone} go back then and show {asked} twice: it starts the first time.")
        said.append(words.format(zone=moment.zone, asked=asked))
    return said


def duration(seconds: float) -> str:
    """How long something takes, rounded up to whole minutes: "22 min", "1 h 5 min"."""
    minutes = max(1, -(-int(seconds) // 60))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("{minutes} min").format(minutes=minutes)
    if hours >= 48:
        return _("{days} d {hours} h").format(days=hours // 24, hours=hours % 24)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=rest)
