"""Times as a language writes them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import translation

from pages import locales

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "ago", "said"),
    [
        ("en", timedelta(seconds=8), "8 seconds ago"),
        ("zh-hans", timedelta(seconds=8), "8 秒前"),
        ("zh-hans", timedelta(minutes=12), "12 分钟前"),
        ("zh-hans", timedelta(hours=-2), "2 小时后"),
        ("zh-hans", timedelta(days=3), "3 天前"),
    ],
)
def test_how_long_ago(language: str, ago: timedelta, said: str) -> None:
    with translation.override(language):
        assert locales.relative(NOW - ago, now=NOW) == said


def test_how_long() -> None:
    with translation.override("zh-hans"):
        assert locales.duration(timedelta(seconds=4)) == "4 秒"
        assert locales.duration(timedelta(minutes=3)) == "3 分钟"


DATES_OF_THEIR_OWN = re.compile(
    r"\|(?:date|time)\b|\{% now |strftime\(|format_date\(|format_datetime\("
)
# What people read: elsewhere dates are for machines, or in the mails of customers.
ONE_PLACE = {"pages/locales.py", "campaigns/zones.py", "designs/filters.py"}


def test_dates_are_written_in_one_way() -> None:
    """Pages use {% when %}, |clock, and pages.locales; nothing else writes a date."""
    found = []
    apps = "accounts contacts designs sending tracking campaigns quickstart pages".split()
    for place in ("templates", *apps):
        for path in sorted((settings.ROOT / place).rglob("*")):
            name = path.relative_to(settings.ROOT).as_posix()
            if path.suffix not in {".html", ".txt", ".py"} or name in ONE_PLACE:
                continue
            if DATES_OF_THEIR_OWN.search(path.read_text()) and "email/" not in name:
                found.append(name)
    assert found == []


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("en", "27 Nov 2026", "27 Nov 2026 09:00:00"),
        ("zh-hans", "2026年11月27日", "2026年11月27日 09:00:00"),
    ],
)
def test_a_date_in_each_language(language: str, day: str, moment: str) -> None:
    at = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    with translation.override(language):
        assert locales.day(at) == day
        assert locales.absolute(at).startswith(moment)
