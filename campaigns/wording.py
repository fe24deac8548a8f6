"""Lists, windows and limits in the reader's language."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from pages import locales


def listed(items: Iterable[str]) -> str:
    """ "a, b, c" """
    return pgettext("between the items of a list", ", ").join(items)


def in_zone(at: str, zone: str) -> str:
    """A time with its zone."""
    return _("{at} ({zone})").format(at=at, zone=zone)


def weekdays() -> list[str]:
    """Monday to Sunday, short: "Mon", 周一."""
    names = locales.current().days["format"]["abbreviated"]
    return [str(names[number]) for number in range(7)]


def days(numbers: Sequence[int]) -> str:
    """ISO weekday numbers in words: "Mon–Fri", "Sat, Sun", "every day"."""
    chosen, names = sorted(numbers), weekdays()
    if len(chosen) == len(names):
        return _("every day")
    if len(chosen) > 2 and all(after == before + 1 for before, after in pairwise(chosen)):
        words = pgettext("days of the week", "{first}–{last}")
        return words.format(first=names[chosen[0] - 1], last=names[chosen[-1] - 1])
    return listed(names[number - 1] for number in chosen)


def window(window: Mapping[str, Any]) -> str:
    """A sending window: "Mon–Fri 09:00–18:00 (Asia/Shanghai)"."""
    words = pgettext("a sending window", "{days} {begin}–{end} ({zone})")
    return words.format(
        days=days(window["days"]), begin=window["from"], end=window["to"], zone=window["zone"]
    )


def per_minute(number: int) -> str:
    """A campaign's own maximum rate."""
    return _("at most {number} a minute").format(number=locales.number(number))


def limits(chosen: Mapping[str, Any], most: int | None) -> list[str]:
    """The campaign's window and maximum rate in words, if it has them."""
    said = [window(chosen)] if chosen else []
    return [*said, per_minute(most)] if most else said
