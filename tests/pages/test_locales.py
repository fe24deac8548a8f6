"""Times as a language writes them."""

from datetime import UTC, datetime, timedelta

import pytest
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
