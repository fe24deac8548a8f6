from datetime import UTC, datetime
from typing import Any

import pytest

from relays import windows

WORK = {"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "18:00", "zone": "Asia/Shanghai"}
NIGHT = {"days": [5], "from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "moment", "opens"),
    [
        ({}, "2026-03-04 12:00", None),
        (WORK, "2026-03-04 01:00", None),  # 09:00 there
        (WORK, "2026-03-04 00:59", "2026-03-04 01:00"),
        (WORK, "2026-03-04 09:59", None),
        (WORK, "2026-03-04 10:00", "2026-03-05 01:00"),
        (WORK, "2026-03-06 12:00", "2026-03-09 01:00"),  # over the weekend
        (NIGHT, "2026-03-06 21:30", None),
        (NIGHT, "2026-03-07 04:59", None),  # Friday's, on Saturday morning
        (NIGHT, "2026-03-07 05:00", "2026-03-13 21:00"),
        # The clocks go forward on the 29th.
        (NIGHT | {"days": [6]}, "2026-03-29 03:59", None),
        (NIGHT | {"days": [6]}, "2026-03-29 04:00", "2026-04-04 20:00"),
    ],
)
def test_when_it_may_go_on(window: dict[str, Any], moment: str, opens: str | None) -> None:
    windows.check(window)
    assert windows.opens(window, at(moment)) == (at(opens) if opens else None)


def test_an_open_interval_ends_where_the_window_does() -> None:
    begin, end = windows.open_interval(WORK, at("2026-03-04 12:00")) or (None, None)
    assert (begin, end) == (at("2026-03-05 01:00"), at("2026-03-05 10:00"))
    assert windows.open_interval({}, at("2026-03-04 12:00")) == (at("2026-03-04 12:00"), None)


@pytest.mark.parametrize(
    "change",
    [
        {"days": []},
        {"days": [0]},
        {"days": "1"},
        {"from": "9 o'clock"},
        {"to": "09:00"},
        {"from": "09:00+01:00"},
        {"zone": "Nowhere/Else"},
        {"zone": "../etc/passwd"},
    ],
)
def test_what_is_no_window(change: dict[str, Any]) -> None:
    with pytest.raises(windows.WindowError):
        windows.check(WORK | change)
