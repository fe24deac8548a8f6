"""Formats numbers, dates and percentages for the reader's language."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_compact_decimal, format_decimal, format_percent
from django.utils import timezone
from django.utils.translation import get_language, to_locale


def current() -> Locale:
    return _locale(get_language() or "en")


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(to_locale(language))


def number(value: float) -> str:
    return str(format_decimal(value, locale=current()))


def compact(value: float) -> str:
    """Short, for axes and badges: 12.4K, 1.2万."""
    return str(format_compact_decimal(value, locale=current(), fraction_digits=1))


def percent(part: float, whole: float) -> str:
    """With at most one decimal; "–" if the whole is 0. Never 0 % or 100 % unless it is exact:
    "<0.1%", "99.9%"."""
    if not whole:
        return "–"
    ratio = part / whole
    tiny = 0 < ratio < 0.001
    if 0.999 < ratio < 1:
        ratio = 0.999
    elif tiny:
        ratio = 0.001
    text = str(format_percent(ratio, format="#,##0.#%", locale=current()))
    return f"<{text}" if tiny else text


def relative(value: datetime, *, now: datetime | None = None) -> str:
    """ "3 minutes ago", "in 2 hours"; the date when it is more than 30 days away."""
    delta = value - (now or timezone.now())
    if abs(delta) > timedelta(days=30):
        return day(value)
    return _span(delta, threshold=0.9, add_direction=True)


def duration(delta: timedelta) -> str:
    """ "12 seconds", "3 minutes"."""
    return _span(delta, threshold=1.5)


def _span(delta: timedelta, *, threshold: float, add_direction: bool = False) -> str:
    """Chinese has a space between a number and its unit, as in the sentences of the catalogues."""
    text = str(
        format_timedelta(delta, threshold=threshold, add_direction=add_direction, locale=current())
    )
    return re.sub(r"(\d)(?=[\u4e00-\u9fff])", r"\1 ", text).replace("秒钟", "秒")


# All dates have this form: 27 Nov 2026, 2026年11月27日.
DAY = {"en": "d MMM y", "zh": "y年M月d日"}


# The same without the year.
DAY_OF_YEAR = {"en": "d MMM", "zh": "M月d日"}


def _day_pattern() -> str:
    return DAY.get(current().language, DAY["en"])


def absolute(value: datetime) -> str:
    """Date and time in the reader's zone, with the zone's name."""
    local = timezone.localtime(value)
    text = format_datetime(local, f"{_day_pattern()} HH:mm:ss", locale=current())
    return f"{text} {get_timezone_name(local, width='short', locale=current())}"


def clock(value: datetime) -> str:
    """Hours and minutes in the reader's zone."""
    return f"{timezone.localtime(value):%H:%M}"


def listed(parts: Sequence[str]) -> str:
    """ "A, B and C". Chinese has a space between a word and a number or a Latin letter."""
    text = str(format_list(list(parts), locale=current()))
    if current().language != "zh":
        return text
    return re.sub(r"(?<=[0-9A-Za-z])和|和(?=[0-9A-Za-z])", _spaced, text)


def _spaced(match: re.Match[str]) -> str:
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() :]
    return f"{' ' * before.isascii()}和{' ' * after[:1].isascii()}"


def sentences(*said: str) -> str:
    """Joins sentences. Chinese has no blank between them."""
    gap = "" if current().language == "zh" else " "
    return gap.join(one for one in said if one)


def day(value: date) -> str:
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return str(format_date(value, _day_pattern(), locale=current()))


def day_of_year(value: date) -> str:
    """Day and month of a date."""
    pattern = DAY_OF_YEAR.get(current().language, DAY_OF_YEAR["en"])
    return str(format_date(value, pattern, locale=current()))
