"""The filters that authors may use in merge fields; see docs/users/merge-fields.md. Pure."""

import math
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import quote

from babel.dates import format_date
from jinja2 import filters as jinja
from jinja2.runtime import Undefined
from markupsafe import Markup
from markupsafe import escape as html_escape

from contacts.valuekinds import DATE as DATE_KIND
from contacts.valuekinds import NUMBER, fits
from designs.weblinks import with_scheme

# Characters that a filter or an operator may make.
LONGEST_STRING = 20_000
LOCALES = {"en": "en", "zh": "zh_Hans_CN"}
# What may be printed; bool is an int, datetime a date, Markup a str.
DATA = (str, int, float, Decimal, date)
STYLES = {"short", "medium", "long", "full"}


class LimitError(Exception):
    """An expression asked for more than it may have."""


def as_text(value: Any) -> str:
    """A value as the mail shows it: text, number, date, yes or no; nothing for what is no data
    (`self`). Lists are refused: nested ones can hide any length."""
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, (list, tuple, dict, range)):
        raise LimitError("a list can't be shown; use |join")
    if type(value) is str:
        return value
    return str(value) if isinstance(value, DATA) else ""


def escape(value: Any) -> Markup:
    return html_escape(value if hasattr(value, "__html__") else as_text(value))


def default(value: Any, other: Any = "") -> Any:
    """Empty counts as missing: an imported blank is no name to greet somebody by."""
    if isinstance(value, str):
        made = value if value and not value.isspace() else other
    else:
        made = other if value is None or isinstance(value, Undefined) else value
    if isinstance(made, str) and len(made) > LONGEST_STRING:
        raise LimitError("a text grows too long")
    return made


def as_date(value: Any, style: str = "medium", language: str = "en") -> str:
    """`style`: short, medium, long, full, or a strftime format such as "%d.%m.%Y". What is no date
    stays as it is written."""
    if isinstance(value, Undefined) or value in {None, ""}:
        return ""
    if not fits(DATE_KIND, value):
        return as_text(value)
    day = value if isinstance(value, date) else date.fromisoformat(value[:10])
    style = style if isinstance(style, str) else "medium"
    return _formatted(day, style if style in STYLES else style[:60], LOCALES.get(language, "en"))


@lru_cache(maxsize=2000)
def _formatted(day: date, style: str, locale: str) -> str:
    """Babel takes longer than the rest of a mail does, and people share their days."""
    if style in STYLES:
        return format_date(day, style, locale=locale)
    return day.strftime(style)


def number(value: Any, digits: Any = 0, _language: str = "en") -> str:
    """With the language's separators: 1,234.50 for number(2). What is no number stays as it is
    written."""
    if isinstance(value, Undefined) or value in {None, ""}:
        return ""
    if not fits(NUMBER, value):
        return as_text(value)
    digits = _digits(digits)
    amount = float(value)
    if not math.isfinite(amount):
        return as_text(value)
    digits = max(digits, 0)
    # English and Chinese write numbers as Python does, which is ten times as fast as Babel.
    if abs(amount) < 1e15:
        return f"{Decimal(str(amount)):,.{digits}f}"
    return f"{amount:,.{digits}f}"


def truncate(value: Any, length: int = 80, end: str = "…") -> str:
    text = as_text(value)
    return text if len(text) <= length else text[: max(int(length) - len(end), 0)].rstrip() + end


def replace(value: Any, old: str, new: str) -> str:
    text = as_text(value)
    if old and text.count(old) * len(new) > LONGEST_STRING:
        raise LimitError("replace makes the text too long")
    return text.replace(old, new)


def join(values: Iterable[Any], separator: str = ", ") -> str:
    pieces = [as_text(value) for value in values]
    if sum(map(len, pieces)) + len(separator) * len(pieces) > LONGEST_STRING:
        raise LimitError("join makes the text too long")
    return separator.join(pieces)


def _digits(digits: Any) -> int:
    """As many as are asked for; none for what is no number."""
    return max(min(int(float(digits)), 8), -8) if fits(NUMBER, digits) else 0


def limited_round(value: Any, digits: int = 0) -> Any:
    """What is no number stays as it is written."""
    return jinja.do_round(float(value), _digits(digits)) if fits(NUMBER, value) else value


def absolute(value: Any) -> Any:
    if isinstance(value, str) and fits(NUMBER, value):
        value = float(value)
    return abs(value) if fits(NUMBER, value) else value


def link(value: Any) -> str:
    """A web address that can be clicked: `shop.example` gets https://."""
    return with_scheme(as_text(value))


def count(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else 0


def _limited(function: Callable[..., Any]) -> Callable[..., Any]:
    """No filter makes, or takes, more than it may."""

    @wraps(function)
    def inside(value: Any, *arguments: Any, **named: Any) -> Any:
        made = function(value, *arguments, **named)
        if isinstance(made, str) and len(made) > LONGEST_STRING:
            raise LimitError("a text grows too long")
        return made

    return inside


_FILTERS: dict[str, Callable[..., Any]] = {
    "default": default,
    "d": default,
    "date": as_date,
    "number": number,
    "truncate": truncate,
    "replace": replace,
    "join": join,
    "upper": lambda value: as_text(value).upper(),
    "lower": lambda value: as_text(value).lower(),
    "title": lambda value: as_text(value).title(),
    "capitalize": lambda value: as_text(value).capitalize(),
    "trim": lambda value: as_text(value).strip(),
    "urlencode": lambda value: quote(as_text(value), safe=""),
    "length": count,
    "round": limited_round,
    "int": jinja.do_int,
    "float": jinja.do_float,
    "abs": absolute,
    "link": link,
    "first": lambda values: next(iter(values), ""),
    "last": lambda values: list(values)[-1] if values else "",
    "escape": escape,
    "e": escape,
}
# `default` comes too often to be wrapped; it looks at the length itself.
FILTERS = {
    name: function if function is default else _limited(function)
    for name, function in _FILTERS.items()
}
