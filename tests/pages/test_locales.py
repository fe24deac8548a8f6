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


def test_a_list_in_chinese() -> None:
    with translation.override("zh-hans"):
        assert locales.listed(["3 人退订", "5 个地址"]) == "3 人退订和 5 个地址"
        assert locales.listed(["SES", "甲", "乙"]) == "SES、甲和乙"
        assert locales.listed(["A", "B"]) == "A 和 B"


# Filters of Django's templates, and what Python writes dates with.
IN_TEMPLATES = re.compile(r"\{\{[^}]*\|(?:date|time)\b|\{% now |with [^%]*\|(?:date|time)\b")
IN_PYTHON = re.compile(r"strftime\(|\bformat_(?:date|datetime|time)\(.*locale")


# Dates that a person chose the style of, and those of mails (RFC 5322) are no pages'.
@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 9, "0%"),
        (2, 130_000, "<0.1%"),
        (1, 1000, "0.1%"),
        (129_999, 130_000, "99.9%"),
        (9, 9, "100%"),
        (1, 0, "–"),
    ],
)
def test_a_share_is_none_or_all_only_if_it_is_exact(part: int, whole: int, said: str) -> None:
    assert locales.percent(part, whole) == said


# Recipients have languages of their own.
RECIPIENTS = "pages/publicwords/__init__.py"
ONE_PLACE = {"pages/locales.py", "campaigns/zones.py", "designs/filters.py", RECIPIENTS}
PLACES = ["templates", *(app for app in settings.INSTALLED_APPS if (settings.ROOT / app).is_dir())]


def test_dates_are_written_in_one_way() -> None:
    """Pages use {% when %}, |clock, and pages.locales; nothing else writes a date for people."""
    found = []
    for path in (path for place in PLACES for path in (settings.ROOT / place).rglob("*.*")):
        name = path.relative_to(settings.ROOT).as_posix()
        style = IN_PYTHON if path.suffix == ".py" else IN_TEMPLATES
        if path.suffix not in {".html", ".txt", ".py"} or name in ONE_PLACE:
            continue
        if style.search(path.read_text()) and not name.startswith("templates/email/"):
            found.append(name)
    assert found == []


@pytest.mark.parametrize(
    ("language", "day", "clock"),
    [("en", "27 Nov 2026", "09:00:00"), ("zh-hans", "2026年11月27日", "09:00:00")],
)
def test_a_date_in_each_language(language: str, day: str, clock: str) -> None:
    at = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    with translation.override(language):
        assert locales.day(at) == day
        assert locales.absolute(at).startswith(f"{day} {clock}")


def test_no_blank_between_chinese_sentences() -> None:
    assert locales.sentences("One.", "", "Two.") == "One. Two."
    with translation.override("zh-hans"):
        assert locales.sentences("一。", "二。") == "一。二。"
