"""Parses typed values from the text of files and forms.

`parse(type, text)` returns a value for `Contact.attributes`: text, a number, a bool, "YYYY-MM-DD"
for a date, "MM-DD" for a day of the year, a list of texts for several choices, or a list of
objects. It raises ValueError for other text, and never guesses: 3/4/2024 is a date only if the
order is known. Pure.
"""

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

Value = str | int | float | bool | list[Any]

# Characters that `str.strip` doesn't remove: zero-width characters, byte-order mark.
INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff")
AROUND = "".join(INVISIBLE) + "".join(c for c in map(chr, range(0x3001)) if c.isspace())
# A stripped cell that begins or ends with one of these needs `clean`.
ODD = INVISIBLE | {"'"}
MAX_TEXT = 10_000
# An apostrophe that keeps a spreadsheet from reading the text as a formula or a number.
APOSTROPHE = re.compile(r"'+[0-9=+\-@＝＋－＠\t\r\n]", re.ASCII)

TRUE = frozenset("1 y yes true t on x ja oui si sí 是 对 有 真 已 ✓ √".split())
FALSE = frozenset("0 n no false f off nein non 否 不 无 假 未".split())

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)
GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
GROUPED_DOTS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+", re.ASCII)
COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)

# 2024-03-05, 2024/3/5, 2024.3.5, 2024年3月5日, perhaps with a time after it.
YEAR_FIRST = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s].*)?", re.ASCII | re.DOTALL
)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T\s].*)?", re.ASCII | re.DOTALL)
# Zeros instead of a date: 0/0/00 in Outlook's exports, 0000-00-00 00:00:00 in MySQL's.
NO_DATE = re.compile(r"0{1,4}([-/.])00?\1(?:00|0000|0)(?:[T ]00:00(?::00)?)?", re.ASCII)
# Days without a year: 05/14; 14.5. (a dot puts the day first); 05-14 and --05-14 (ISO 8601, month
# first); 5月14日; 14 May, May 14.
DAY_OF_YEAR = re.compile(r"(\d{1,2})/(\d{1,2})", re.ASCII)
DOTTED_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.?", re.ASCII)
ISO_DAY = re.compile(r"(?:--)?(\d{2})-(\d{2})", re.ASCII)
CHINESE_DAY = re.compile(r"(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?", re.ASCII)
TIME = re.compile(r"-?\d{1,4}:\d{2}(?::\d{2})?(?:\s?[ap]m)?", re.ASCII | re.IGNORECASE)
NAMED_DAY = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?\.?[\s-]+)?([a-z]{3})[a-z]*\.?(?:[\s-]+(\d{1,2})(?:st|nd|rd|th)?)?",
    re.ASCII | re.IGNORECASE,
)
# A leap year, in which 29 February is a day.
LEAP_YEAR = 2000
# Between several choices in a cell; commas only if the pieces between these are no choices.
BETWEEN = re.compile(r"[;；|\n]")
COMMAS = re.compile(r"[,，、]")
MOST_CHOICES = 200
# Characters that PostgreSQL can't store: NUL, and halves of surrogate pairs.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Control characters, except tab and line break: nobody means them, no form shows them, and they
# break mails and files. One rule for imports, pages and forms: `plain` removes them, and objects
# that have some are refused.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
# Objects of a list, fields of an object, lists and objects in each other, and characters of a
# field's name.
MOST_OBJECTS, MOST_FIELDS, DEEPEST, LONGEST_FIELD = 100, 50, 4, 50
# Excel's count of days, for 1954 to 2118: shorter than any date written in digits.
SERIAL = re.compile(r"(?:[2-7]\d{4}|80000)(?:\.\d+)?", re.ASCII)
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
NAMED_MONTH = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?[\s-]+)?([a-z]{3})[a-z]*\.?[\s-]+(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?"
    r"(\d{4})(?:[\s,].*)?",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
# Day 0 of Excel's calendar, which believes that 1900 was a leap year.
EXCEL_EPOCH = dt.date(1899, 12, 30)

# How days and months are ordered when the year is last; "" is not known.
ORDERS = ("", "mdy", "dmy")


def clean(text: str) -> str:
    """The cell without surrounding white space and invisible characters, and without one leading
    apostrophe of a spreadsheet. contacts.exports adds one also if the text has some already."""
    text = text.strip(AROUND)
    return text[1:] if APOSTROPHE.match(text) else text


@lru_cache(maxsize=1 << 14)  # dates, numbers and answers come again and again
def parse(kind: str, text: str, *, order: str = "", choices: tuple[str, ...] = ()) -> Value:
    """The value of a cleaned, non-empty cell for an attribute of type `kind`."""
    if kind == "date":
        return date(text, order=order).isoformat()
    if kind == "day":
        return day(text, order=order)
    if kind == "choice":
        return choice(text, choices)
    if kind == "choices":
        return several(text, choices)
    return PARSERS.get(kind, plain)(text)


def without_controls(text: str) -> str:
    """The text without control characters, and without the spaces that are at its ends then."""
    if text.isprintable():  # the fast path: no control character is printable
        return text
    return CONTROLS.sub("", text).strip()


def plain(text: str) -> str:
    """Raises ValueError for a text that is too long."""
    text = without_controls(text)
    if len(text) > MAX_TEXT:
        raise ValueError(text[:50])
    return text


def number(text: str) -> int | float:
    """1234, 1,234.5, 1.234,5, 3,5, full-width digits; a whole number becomes an int."""
    text = unicodedata.normalize("NFKC", text).replace(" ", "").replace("\u00a0", "")
    if GROUPED.fullmatch(text):
        text = text.replace(",", "")
    elif GROUPED_DOTS.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not NUMBER.fullmatch(text) or len(text) > 30:
        raise ValueError(text[:50])
    value = float(text)
    return int(text) if text.lstrip("+-").isdigit() else value


def boolean(text: str) -> bool:
    word = text.lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError(text[:50])


def choice(text: str, choices: Iterable[str]) -> str:
    """The choice in the workspace's spelling; case does not matter."""
    for known in choices:
        if known.casefold() == text.casefold():
            return known
    raise ValueError(text[:50])


def several(text: str, choices: Iterable[str]) -> list[str]:
    """The choices that a cell names, each once and in the workspace's order: "Red; Blue"."""
    known = tuple(choices)
    found: set[str] = set()
    for piece in _pieces(BETWEEN, text):
        try:
            found.add(choice(piece, known))
        except ValueError:
            found.update(choice(part, known) for part in _pieces(COMMAS, piece))
    if not found:
        raise ValueError(text[:50])
    return [one for one in known if one in found]


def _pieces(between: re.Pattern[str], text: str) -> list[str]:
    pieces = [piece.strip() for piece in between.split(text, MOST_CHOICES)]
    if len(pieces) > MOST_CHOICES:
        raise ValueError(text[:50])
    return [piece for piece in pieces if piece]


def objects(text: str) -> list[Any]:
    """A list of objects in JSON, such as [{"name": "Tea", "price": 5}]."""
    # Infinity and NaN are no JSON, and PostgreSQL stores neither.
    strict: dict[str, Any] = {"parse_constant": _no_constant, "object_pairs_hook": _each_name_once}
    try:
        made = json.loads(text, **strict) if len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError) as error:
        raise ValueError(text[:50]) from error
    if not isinstance(made, list) or not made or len(made) > MOST_OBJECTS:
        raise ValueError(text[:50])
    if not all(isinstance(one, dict) and _is_plain(one, DEEPEST) for one in made):
        raise ValueError(text[:50])
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Of two fields with one name, JSON keeps the last one without a word."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError(pairs[0][0][:50])
    return made


def _is_plain(value: Any, deep: int) -> bool:
    """Whether it is within the bounds, and no text has a character that a value can't have."""
    if isinstance(value, str):
        return not UNSTORABLE.search(value) and not CONTROLS.search(value)
    if isinstance(value, list):
        return deep > 0 and all(_is_plain(one, deep - 1) for one in value)
    if isinstance(value, dict):
        named = all(0 < len(name) <= LONGEST_FIELD and _is_plain(name, 0) for name in value)
        few = len(value) <= MOST_FIELDS and deep > 0
        return named and few and all(_is_plain(one, deep - 1) for one in value.values())
    return not isinstance(value, float) or abs(value) < 1e300


def day(text: str, *, order: str = "") -> str:
    """The day of the year as MM-DD, with or without a year in the text; 5/6 by `order`, or when
    only one order is possible."""
    text = unicodedata.normalize("NFKC", text)
    if match := ISO_DAY.fullmatch(text) or CHINESE_DAY.fullmatch(text):
        return _day(int(match[1]), int(match[2]))
    if match := DOTTED_DAY.fullmatch(text):
        return _day(int(match[2]), int(match[1]))
    if match := DAY_OF_YEAR.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        if order not in {"mdy", "dmy"}:
            if first <= 12 and second <= 12 and first != second:
                raise ValueError(text[:50])
            order = "dmy" if first > 12 else "mdy"
        return _day(second, first) if order == "dmy" else _day(first, second)
    if (match := NAMED_DAY.fullmatch(text)) and bool(match[1]) != bool(match[3]):
        return _day(MONTHS.index(match[2].lower()) + 1, int(match[1] or match[3]))
    return date(text, order=order).isoformat()[5:]


def _day(month: int, number: int) -> str:
    return dt.date(LEAP_YEAR, month, number).isoformat()[5:]


def date(text: str, *, order: str = "") -> dt.date:
    """ISO (a time after it is dropped), 2024年3月5日, 20240305, 5 Mar 2024, March 5, 2024, 5.3.2024
    (a dot puts the day first), 45356 (Excel's day number of 2024-03-05); 3/5/2024 by `order`, or
    when only one order is possible."""
    text = unicodedata.normalize("NFKC", text)
    if match := YEAR_FIRST.fullmatch(text) or COMPACT.fullmatch(text):
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    if match := YEAR_LAST.fullmatch(text):
        return _year_last(match, order)
    if match := NAMED_MONTH.fullmatch(text):
        return _named_month(match)
    if SERIAL.fullmatch(text):
        return EXCEL_EPOCH + dt.timedelta(days=int(float(text)))
    raise ValueError(text[:50])


def _year_last(match: re.Match[str], order: str) -> dt.date:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if match[2] == ".":
        order = "dmy"
    elif order not in {"mdy", "dmy"}:
        if first <= 12 and second <= 12 and first != second:
            raise ValueError(match[0][:50])
        order = "dmy" if first > 12 else "mdy"
    return dt.date(year, second, first) if order == "dmy" else dt.date(year, first, second)


def _named_month(match: re.Match[str]) -> dt.date:
    day = match[1] or match[3]
    if not day:
        raise ValueError(match[0][:50])
    return dt.date(int(match[4]), MONTHS.index(match[2].lower()) + 1, int(day))


def is_no_date(text: str) -> bool:
    """Whether a date column has no date in this cell."""
    return bool(NO_DATE.fullmatch(text))


def is_time(text: str) -> bool:
    """Whether it is a time of day without a day. A workbook that counts days gives that for days
    before 1900, too: they have no number there."""
    return bool(TIME.fullmatch(text))


def is_day_of_year(text: str) -> bool:
    """A day without a year, such as 05/14 or 31/12: no date can be made of it, only a day of the
    year."""
    match = DAY_OF_YEAR.fullmatch(text)
    numbers = sorted((int(match[1]), int(match[2]))) if match else [0, 0]
    return 1 <= numbers[0] <= 12 and numbers[1] <= 31


PARSERS: dict[str, Callable[[str], Value]] = {
    "text": plain,
    "number": number,
    "boolean": boolean,
    "objects": objects,
}


def guess_order(samples: Iterable[str]) -> str:
    """The order in a column's dates, or in its days without a year, from values that leave no
    doubt."""
    pairs = _ordered(samples)
    day_first = sum(1 for first, _second in pairs if first > 12)
    month_first = sum(1 for _first, second in pairs if second > 12)
    if bool(day_first) == bool(month_first):
        return ""
    return "dmy" if day_first else "mdy"


def is_order_open(samples: Iterable[str]) -> bool:
    """Whether a column has dates such as 3/5/2024, and none that shows which number is the day."""
    seen = [text for text in samples if text]
    pairs = _ordered(seen)
    return bool(pairs) and len(pairs) * 2 >= len(seen) and not guess_order(seen)


def _ordered(samples: Iterable[str]) -> list[tuple[int, int]]:
    """The two first numbers of dates whose order isn't certain; of days without a year only in a
    column of nothing else."""
    seen = [text for text in samples if text]
    if seen and all(map(is_day_of_year, seen)):
        days = (DAY_OF_YEAR.fullmatch(text) for text in seen)
        return [(int(match[1]), int(match[2])) for match in days if match]
    dates = (YEAR_LAST.fullmatch(text) for text in seen)
    return [(int(match[1]), int(match[3])) for match in dates if match and match[2] != "."]


def guess_type(samples: Iterable[str]) -> str:
    """The type that fits nearly every value of a column: "text" unless it clearly is another."""
    seen = [text for text in samples if text]
    if not seen:
        return "text"
    order = guess_order(seen)
    # Day numbers alone may be amounts or postcodes; among written dates they are dates.
    written = [text for text in seen if not SERIAL.fullmatch(text)]
    if written and all(
        _fits(some, lambda text: date(text, order=order)) for some in (written, seen)
    ):
        return "date"
    if _fits(seen, boolean) and not _fits(seen, number):
        return "boolean"
    # One value that is no amount makes the column text: as a number it would lose digits.
    return "number" if all(map(_is_amount, seen)) else "text"


def _is_amount(text: str) -> bool:
    """A number that somebody may calculate with: no leading zero or plus, no run of more than nine
    digits (phones, ids, cards), no exponent (123E45 is an article)."""
    if re.match(r"[+]|0\d", text) or re.search(r"\d{10}|[eE]", text):
        return False
    try:
        number(text)
    except ValueError:
        return False
    return True


def _fits(samples: Sequence[str], parser: Callable[[str], object]) -> bool:
    fitting = 0
    for text in samples:
        try:
            parser(text)
        except ValueError:
            continue
        fitting += 1
    return fitting >= 0.9 * len(samples)
