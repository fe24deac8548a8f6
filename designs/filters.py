"""The filters that authors may use in merge fields; see docs/users/merge-fields.md. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache, partial, wraps
from math import isfinite
from typing import Any
from urllib.parse import quote

from babel.dates import format_date
from jinja2 import filters as jinja
from jinja2.runtime import Undefined
from markupsafe import Markup
from markupsafe import escape as html_escape

from contacts.mergevalues import Chosen, YearDay
from contacts.valuekinds import DATE as DATE_KIND
from contacts.valuekinds import NUMBER, fits
from designs.fieldlinks import with_scheme
from designs.fuel import LimitError

# Characters of a text that a filter or an operator returns.
LONGEST_STRING = 20_000
LARGEST_NUMBER = 10**30
LARGEST_INT = 10**309
LOCALES = {"en": "en", "zh": "zh_Hans_CN"}
DAYS_OF_YEAR = {"en": "MMMM d", "zh_Hans_CN": "M月d日"}
# Types that may be printed. bool is an int, datetime a date, Markup a str.
DATA = (str, int, float, Decimal, date)
YES_AND_NO = {"en": ("yes", "no"), "zh": ("是", "否")}
STYLES = {"short", "medium", "long", "full"}
# A letter may have combining marks after it.
LETTERS = r"(?:[^\W\d_][\u0300-\u036f]*)+"
WORD = re.compile(rf"(?<![^\W_]){LETTERS}(?:['\u2019\u02bc]{LETTERS})*")
APOSTROPHE = re.compile("(['\u2019\u02bc])")
# After these prefixes and an apostrophe, a name of at least SHORTEST_NAME letters begins: O'Reilly,
# but not D'or or I'll.
NAME_PREFIXES = {"o", "d", "l", "n"}
SHORTEST_NAME = 3


def as_text(value: Any, language: str = "en") -> str:
    """A value as the mail shows it: text, number, date, yes or no, and the types of
    contacts.mergevalues. An object that is no data, such as `self`, gives "". Raises LimitError for
    a list: nested lists can hide any length."""
    if type(value) is str:
        return value
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, YearDay | Chosen):
        return _of_attribute(value, language)
    if isinstance(value, (list, tuple, dict, range)):
        raise LimitError("a list can't be shown; use |join")
    if isinstance(value, bool):
        return YES_AND_NO.get(language, YES_AND_NO["en"])[not value]
    return _of_number(value) if isinstance(value, DATA) else ""


def _of_number(value: Any) -> str:
    return _digits(value) if isinstance(value, float) else str(value)


def _of_attribute(value: YearDay | Chosen, language: str) -> str:
    if isinstance(value, Chosen):
        return ("、" if language == "zh" else ", ").join(value)
    return _day_of_year(value, LOCALES.get(language, "en"))


@lru_cache(maxsize=1000)
def _day_of_year(value: YearDay, locale: str) -> str:
    try:
        return format_date(value.date, DAYS_OF_YEAR[locale], locale=locale)
    except ValueError:
        return str.__str__(value)


def _digits(value: float) -> str:
    """Without an exponent, and 3 for 3.0. Without separators, because the number may be a code in a
    URL."""
    if not isfinite(value):
        return str(value)
    text = f"{Decimal(str(value)):f}"
    return text.removesuffix(".0") if value else "0"


def default(value: Any, other: Any = "", empty: Any = True) -> Any:
    """Empty text counts as missing, whatever Jinja2's argument `empty` is: an imported blank is no
    name for a greeting."""
    if isinstance(value, str):
        made = value if value and not value.isspace() else other
    else:
        made = other if value is None or isinstance(value, Undefined) else value
    if isinstance(made, str) and len(made) > LONGEST_STRING:
        raise LimitError("a text grows too long")
    return made


def as_date(value: Any, style: str = "medium", language: str = "en") -> str:
    """`style`: short, medium, long, full, or a strftime format such as "%d.%m.%Y". A value that is
    no date stays as it is."""
    if isinstance(value, Undefined) or value in {None, ""}:
        return ""
    if not fits(DATE_KIND, value):
        return as_text(value, language)
    day = value if isinstance(value, date) else date.fromisoformat(value[:10])
    style = style if isinstance(style, str) else "medium"
    return _formatted(day, style if style in STYLES else style[:60], LOCALES.get(language, "en"))


@lru_cache(maxsize=2000)
def _formatted(day: date, style: str, locale: str) -> str:
    """Cached: Babel takes longer than the rest of a mail, and many people have the same date."""
    if style in STYLES:
        return format_date(day, style, locale=locale)
    return day.strftime(style)


def number(value: Any, digits: Any = 0, language: str = "en") -> str:
    """With the language's separators: 1,234.50 for number(2). A value that is no number stays as it
    is."""
    if isinstance(value, Undefined) or value in {None, ""}:
        return ""
    if not fits(NUMBER, value):
        return as_text(value, language)
    digits = _places(digits)
    amount = float(value)
    if not isfinite(amount):
        return as_text(value, language)
    digits = max(digits, 0)
    # English and Chinese write numbers as Python does, which is ten times as fast as Babel.
    if abs(amount) < 1e15:
        return f"{Decimal(str(amount)):,.{digits}f}"
    return f"{amount:,.{digits}f}"


def _places(digits: Any) -> int:
    """The number of decimal places; 0 if `digits` is no number."""
    return max(min(int(float(digits)), 8), -8) if fits(NUMBER, digits) else 0


def limited_round(value: Any, digits: int = 0) -> Any:
    """Rounds a number. Any other value stays as it is."""
    return jinja.do_round(float(value), _places(digits)) if fits(NUMBER, value) else value


def absolute(value: Any) -> Any:
    if isinstance(value, str) and fits(NUMBER, value):
        value = float(value)
    return abs(value) if fits(NUMBER, value) else value


def _or_empty(value: Any) -> Any:
    """The value; "", which is no number, if it is missing."""
    return "" if isinstance(value, Undefined) else value


def count(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else 0


def title(text: str) -> str:
    """Each word with a capital: Don't Stop, O'Reilly's, Anne-Marie, 3rd."""
    return WORD.sub(lambda found: _titled(found[0]), text.lower())


def _titled(word: str) -> str:
    pieces = APOSTROPHE.split(word)
    # A piece after an apostrophe gets a capital if it begins a name, as in O'Reilly, Rock'n'Roll.
    for place in range(0, len(pieces), 2):
        before = pieces[place - 2].lower() if place else ""
        begins = not place or (before in NAME_PREFIXES and len(pieces[place]) >= SHORTEST_NAME)
        if begins:
            pieces[place] = pieces[place][:1].title() + pieces[place][1:]
    return "".join(pieces)


def _limited(function: Callable[..., Any]) -> Callable[..., Any]:
    """Limits the length of a filter's result."""

    @wraps(function)
    def inside(value: Any, *arguments: Any, **named: Any) -> Any:
        made = function(value, *arguments, **named)
        if isinstance(made, str) and len(made) > LONGEST_STRING:
            raise LimitError("a text grows too long")
        return made

    return inside


# Longest cached text. Names and towns repeat within a list; long texts rarely do.
LONGEST_KEPT = 200


@lru_cache(maxsize=2_000)
def _known_encoded(text: str) -> str:
    return quote(text, safe="")


def _percent_encoded(text: str) -> str:
    return _known_encoded(text) if len(text) <= LONGEST_KEPT else quote(text, safe="")


def _whole_number(value: Any, default: Any = 0, base: Any = 10) -> Any:
    """A number that no float can hold gives the default."""
    made = jinja.do_int(_or_empty(value), default, base)
    return default if isinstance(made, int) and abs(made) > LARGEST_INT else made


def _last(values: Any) -> Any:
    return values[-1] if isinstance(values, Sequence) and values else ""


class _Shown:
    """The filters that show values as text, in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.text = partial(as_text, language=language)

    def date(self, value: Any, style: str = "medium", language: str = "") -> str:
        return as_date(value, style, language or self.language)

    def number(self, value: Any, digits: int = 0, language: str = "") -> str:
        return number(value, digits, language or self.language)

    def truncate(self, value: Any, length: int = 80, end: str = "…") -> str:
        text = self.text(value)
        if len(text) <= length:
            return text
        return text[: max(int(length) - len(end), 0)].rstrip() + end

    def replace(self, value: Any, old: str, new: str) -> str:
        text = self.text(value)
        # An empty `old` is also found between all characters.
        if text.count(old) * len(new) > LONGEST_STRING:
            raise LimitError("replace makes the text too long")
        return text.replace(old, new)

    def join(self, values: Iterable[Any], separator: str = ", ") -> str:
        pieces = [self.text(value) for value in values]
        if sum(map(len, pieces)) + len(separator) * len(pieces) > LONGEST_STRING:
            raise LimitError("join makes the text too long")
        return separator.join(pieces)

    def link(self, value: Any, scheme: Any = "") -> str:
        """`scheme`: the mail's own scheme, for a value without one; true means https."""
        chosen = str(scheme).lower() if scheme in ("http", "https") else ""
        return with_scheme(self.text(value), "https" if scheme is True else chosen)

    def escape(self, value: Any) -> Markup:
        return html_escape(value if hasattr(value, "__html__") else self.text(value))


@cache
def filters(language: str) -> dict[str, Callable[..., Any]]:
    """{name: filter}. Dates and numbers are in this language unless the author names another."""
    shown = _Shown(language)
    text = shown.text
    every: dict[str, Callable[..., Any]] = {
        "default": default,
        "d": default,
        "date": shown.date,
        "number": shown.number,
        "truncate": shown.truncate,
        "replace": shown.replace,
        "join": shown.join,
        "upper": lambda value: text(value).upper(),
        "lower": lambda value: text(value).lower(),
        "title": lambda value: title(text(value)),
        "capitalize": lambda value: text(value).capitalize(),
        "trim": lambda value: text(value).strip(),
        "urlencode": lambda value: _percent_encoded(text(value)),
        "length": count,
        "round": limited_round,
        "int": _whole_number,
        "float": lambda value, *others, **named: jinja.do_float(_or_empty(value), *others, **named),
        "abs": absolute,
        "link": shown.link,
        "first": lambda values: next(iter(values), ""),
        "last": _last,
        "escape": shown.escape,
        "e": shown.escape,
    }
    # `default` is used too often to be wrapped; it checks the length itself.
    return {
        name: function if function is default else _limited(function)
        for name, function in every.items()
    }


FILTERS = frozenset(filters("en"))
