"""The moments of a schedule."""

from datetime import UTC, datetime, time

import pytest

from contacts.recurrence import Recurrence


def next_of(every: str, at: str, moment: str, *, weekday: int = 0, zone: str = "UTC") -> str:
    recurrence = Recurrence(every, time.fromisoformat(at), weekday, zone)
    found = recurrence.following(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if found else ""


@pytest.mark.parametrize(
    ("every", "at", "moment", "expected"),
    [
        ("once", "05:00", "2026-11-30 04:00", ""),
        ("hour", "05:20", "2026-11-30 04:00", "2026-11-30 04:20"),
        ("hour", "05:20", "2026-11-30 04:20", "2026-11-30 05:20"),
        ("hour", "05:20", "2026-11-30 23:59", "2026-12-01 00:20"),
        ("day", "05:00", "2026-11-30 04:59", "2026-11-30 05:00"),
        ("day", "05:00", "2026-11-30 05:00", "2026-12-01 05:00"),
        ("week", "05:00", "2026-11-30 04:59", "2026-11-30 05:00"),  # a Monday
        ("week", "05:00", "2026-11-30 05:00", "2026-12-07 05:00"),
    ],
)
def test_following(every: str, at: str, moment: str, expected: str) -> None:
    assert next_of(every, at, moment) == expected


def test_local_time() -> None:
    assert next_of("day", "05:00", "2026-11-29 22:00", zone="Asia/Shanghai") == "2026-11-30 21:00"
    found = next_of("week", "01:00", "2026-11-29 12:00", weekday=0, zone="Asia/Shanghai")
    assert found == "2026-11-29 17:00"


def test_when_the_clock_changes() -> None:
    """Zurich leaves 2:30 out on 28 March 2027, and has it twice on 31 October."""
    zone = "Europe/Zurich"
    assert next_of("day", "02:30", "2027-03-28 00:00", zone=zone) == "2027-03-28 01:30"
    assert next_of("day", "02:30", "2027-03-28 01:30", zone=zone) == "2027-03-29 00:30"
    assert next_of("day", "02:30", "2027-10-31 00:00", zone=zone) == "2027-10-31 00:30"
    assert next_of("day", "02:30", "2027-10-31 00:30", zone=zone) == "2027-11-01 01:30"
