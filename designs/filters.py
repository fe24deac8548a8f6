"""The filters that authors may use in merge fields; see docs/users/merge-fields.md. Pure."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import filters as jinja
from jinja2.runtime import Undefined

# Characters that a filter or an operator may make.
LONGEST_STRING = 100_000
LOCALES = {"en": "en", "zh": "zh_Hans_CN"}
STYLES = {"short", "medium", "long", "full"}


class TooLongError(Exception):
    """A filter was asked for more characters than it may make."""


def default(value: Any, other: Any = "") -> Any:
    """Empty counts as missing: an imported blank is no name to greet somebody by."""
    missing = isinstance(value, Undefined) or value is None or value == ""
    return other if missing or (isinstance(value, str) and not value.strip()) else value


def as_date(value: Any, style: str = "medium", language: str = "en") -> str:
    """`style`: short, medium, long, full, or a strftime format such as "%d.%m.%Y"."""
    if isinstance(value, Undefined) or value in {None, ""}:
        return ""
    day = value if isinstance(value, date) else datetime.fromisoformat(str(value)).date()
    if style in STYLES:
        return format_date(day, style, locale=LOCALES.get(language, "en"))
    return day.strftime(style[:60])


def number(value: Any, digits: int = 0, language: str = "en") -> str:
    """With the language's separators: 1,234.50 for number(2)."""
    if isinstance(value, Undefined) or value in {None, ""}:
        return ""
    pattern = "#,##0" + ("." + "0" * min(int(digits), 8) if digits else "")
    return format_decimal(float(value), pattern, locale=LOCALES.get(language, "en"))


def truncate(value: Any, length: int = 80, end: str = "…") -> str:
    text = _text(value)
    return text if len(text) <= length else text[: max(int(length) - len(end), 0)].rstrip() + end


def replace(value: Any, old: str, new: str) -> str:
    text = _text(value)
    if old and text.count(old) * len(new) > LONGEST_STRING:
        raise TooLongError("replace makes the text too long")
    return text.replace(old, new)


def join(values: Iterable[Any], separator: str = ", ") -> str:
    pieces = [_text(value) for value in values]
    if sum(map(len, pieces)) + len(separator) * len(pieces) > LONGEST_STRING:
        raise TooLongError("join makes the text too long")
    return separator.join(pieces)


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, Undefined) else str(value)


FILTERS: dict[str, Callable[..., Any]] = {
    "default": default,
    "d": default,
    "date": as_date,
    "number": number,
    "truncate": truncate,
    "replace": replace,
    "join": join,
    "upper": lambda value: _text(value).upper(),
    "lower": lambda value: _text(value).lower(),
    "title": lambda value: _text(value).title(),
    "capitalize": lambda value: _text(value).capitalize(),
    "trim": lambda value: _text(value).strip(),
    "urlencode": lambda value: quote(_text(value), safe=""),
    "length": lambda value: len(value) if hasattr(value, "__len__") else 0,
    "round": jinja.do_round,
    "int": jinja.do_int,
    "float": jinja.do_float,
    "abs": abs,
    "first": lambda values: next(iter(values), ""),
    "last": lambda values: list(values)[-1] if values else "",
    "escape": jinja.FILTERS["escape"],
    "e": jinja.FILTERS["escape"],
}
