"""The moments of a schedule: each hour, each day or each week, in a time zone. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

# The week of the moment, and the next one.
DAYS = 8


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`every`: one of once, hour, day, week. `at` is local time; an hourly one takes its minute.
    `weekday`: Monday is 0."""

    every: str
    at: time
    weekday: int
    zone: str

    def following(self, moment: datetime) -> datetime | None:
        """The first time after the moment; None: never. A time that a change of the clock leaves
        out is as much later; of one that comes twice, the first counts."""
        if self.every == "once":
            return None
        if self.every == "hour":
            sharp = moment.replace(minute=self.at.minute, second=0, microsecond=0)
            return sharp if sharp > moment else sharp + timedelta(hours=1)
        zone = ZoneInfo(self.zone)
        today = moment.astimezone(zone).date()
        for number in range(-1, DAYS + 1):
            day = today + timedelta(days=number)
            if self.every == "week" and day.weekday() != self.weekday:
                continue
            found = datetime.combine(day, self.at, zone).astimezone(UTC)
            if found > moment:
                return found
        return None
