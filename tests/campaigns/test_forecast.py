"""When a campaign is done: limits, windows, warm-up and its own rate, by arithmetic."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from campaigns.forecast import Way, finish
from relays import windows

# A Friday.
BEGIN = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
OFFICE = {"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "18:00", "zone": "UTC"}


def close(found: datetime | None, expected: datetime) -> bool:
    assert found is not None
    return abs(found - expected) < timedelta(seconds=1)


def days(*numbers: int) -> "partial[int | None]":
    """So many on each of the days from BEGIN on, then any number."""

    def most(day: date) -> int | None:
        number = (day - BEGIN.date()).days
        return numbers[number] if number < len(numbers) else None

    return partial(most)


def test_the_rates_of_relays_add_up() -> None:
    found = finish([Way(10.0), Way(5.0)], 15_000, begin=BEGIN)
    assert close(found, BEGIN + timedelta(seconds=1000))


def test_an_hours_limit_is_sent_at_full_speed_and_the_rest_in_the_next_hour() -> None:
    way = Way(14.0, per_hour=200)
    assert close(finish([way], 140, begin=BEGIN), BEGIN + timedelta(seconds=10))
    # 200 by 15:30, 200 from 16:00 on, the last 100 from 17:00 on.
    done = datetime(2026, 11, 27, 17, 0, tzinfo=UTC) + timedelta(seconds=100 / 14)
    assert close(finish([way], 500, begin=BEGIN), done)


def test_what_is_used_of_the_hour_and_the_day_is_gone() -> None:
    way = Way(10.0, per_hour=100, used_hour=100)
    assert close(finish([way], 10, begin=BEGIN), datetime(2026, 11, 27, 16, 0, 1, tzinfo=UTC))
    way = Way(10.0, per_day=days(1000, 1000, 1000), used_day=990)
    assert close(finish([way], 11, begin=BEGIN), datetime(2026, 11, 28, 0, 0, 0, tzinfo=UTC))


def test_a_warm_up_grows_day_by_day() -> None:
    way = Way(10.0, per_day=days(50, 100, 200))
    # 50 today, 100 tomorrow, 200 on Sunday, the rest on Monday.
    done = datetime(2026, 11, 30, tzinfo=UTC) + timedelta(seconds=65)
    assert close(finish([way], 1000, begin=BEGIN), done)


def test_another_relay_carries_on_when_one_is_used_up() -> None:
    ways = [Way(10.0, per_day=days(1000, 1000)), Way(1.0)]
    # Both for 100 s, then the second one alone.
    assert close(finish(ways, 1600, begin=BEGIN), BEGIN + timedelta(seconds=100 + 500))


def test_a_later_tier_begins_when_the_first_is_used_up() -> None:
    ways = [Way(10.0, per_day=days(1000, 1000)), Way(1.0, tier=2)]
    assert close(finish(ways, 1100, begin=BEGIN), BEGIN + timedelta(seconds=100 + 100))


def test_its_own_rate_holds_it_back() -> None:
    found = finish([Way(10.0), Way(10.0)], 600, begin=BEGIN, per_minute=60)
    assert close(found, BEGIN + timedelta(minutes=10))
    # Not when the relays are slower.
    assert close(finish([Way(0.5)], 60, begin=BEGIN, per_minute=60), BEGIN + timedelta(minutes=2))


def test_a_window_that_closes_leaves_the_rest_for_the_next_one() -> None:
    window = partial(windows.open_interval, OFFICE)
    # Until 18:00 on Friday 9,000 of them, the last 100 on Monday.
    found = finish([Way(1.0)], 9_100, begin=BEGIN, window=window)
    assert close(found, datetime(2026, 11, 30, 9, 1, 40, tzinfo=UTC))


def test_before_a_window_opens_nothing_is_sent() -> None:
    window = partial(windows.open_interval, OFFICE)
    saturday = BEGIN + timedelta(days=1)
    found = finish([Way(1.0)], 60, begin=saturday, window=window)
    assert close(found, datetime(2026, 11, 30, 9, 1, tzinfo=UTC))


def test_a_window_and_an_hours_limit_hold_together() -> None:
    window = partial(windows.open_interval, OFFICE | {"days": [5], "from": "15:00", "to": "17:00"})
    # 100 in what is left of 15:00, 100 from 16:00 on, the last one a week later.
    found = finish([Way(1.0, per_hour=100)], 201, begin=BEGIN, window=window)
    assert close(found, datetime(2026, 12, 4, 15, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "ways", [[], [Way(0.0)], [Way(1.0, per_day=lambda _day: 0)], [Way(1.0, per_hour=1)]]
)
def test_what_never_ends_has_no_finish(ways: list[Way]) -> None:
    assert finish(ways, 100_000, begin=BEGIN) is None
