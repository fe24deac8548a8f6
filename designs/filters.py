"""The filters that authors may use in merge fields; see docs/users/merge-fields.md. Pure."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import quote

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import filters as jinja
from jinja2.runtime import Undefined
from markupsafe import Markup
from markupsafe import escape as html_escape

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
    """`style`: short, medium, long, full, or a strftime format such as "%d.%m.%Y"."""
    if isinstance(value, Undefined) or value in {None, ""}:
        return ""
    day = value if isinstance(value, date) else datetime.fromisoformat(str(value)).date()
    return _formatted(day, style if style in STYLES else style[:60], LOCALES.get(language, "en"))


@lru_cache(maxsize=2000)
def _formatted(day: date, style: str, locale: str) -> str:
    """Babel takes longer than the rest of a mail does, and people share their days."""
    if style in STYLES:
        return format_date(day, style, locale=locale)
    return day.strftime(style)


def number(value: Any, digits: int = 0, language: str = "en") -> str:
    """With the language's separators: 1,234.50 for number(2)."""
    if isinstance(value, Undefined) or value in {None, ""}:
        return ""
    digits = min(int(digits), 8)
    amount = float(value)
    # English and Chinese write numbers as Python does, which is ten times as fast as Babel.
    if abs(amount) < 1e15 and digits >= 0:
        return f"{Decimal(str(amount)):,.{digits}f}"
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(amount, pattern, locale=LOCALES.get(language, "en"))


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


def limited_round(value: Any, digits: int = 0) -> float:
    return jinja.do_round(float(value), max(min(int(digits), 8), -8))


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
    "abs": abs,
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
