"""Parses typed values from the text of files and forms.

`parse(type, text)` returns a value for `Contact.attributes`: text, a number, a bool, or
"YYYY-MM-DD" for a date. It raises ValueError for other text, and never guesses: 3/4/2024 is a date
only if the order is known. Pure.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

Value = str | int | float | bool

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
DAY_OF_YEAR = re.compile(r"(\d{1,2})/(\d{1,2})", re.ASCII)
NO_DATE = re.compile(r"0{1,4}([-/.])00?\1(?:00|0000|0)(?:[T ]00:00(?::00)?)?", re.ASCII)
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
    if kind == "choice":
        return choice(text, choices)
    return PARSERS.get(kind, plain)(text)


def plain(text: str) -> str:
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


def is_day_of_year(text: str) -> bool:
    """A day without a year, such as 05/14 or 31/12: no date can be made of it."""
    match = DAY_OF_YEAR.fullmatch(text)
    numbers = sorted((int(match[1]), int(match[2]))) if match else [0, 0]
    return 1 <= numbers[0] <= 12 and numbers[1] <= 31


PARSERS: dict[str, Callable[[str], Value]] = {
    "text": plain,
    "number": number,
    "boolean": boolean,
}


def guess_order(samples: Iterable[str]) -> str:
    """The order in a column's dates, from values that leave no doubt."""
    seen = [text for text in samples if text]
    matches = [match for text in seen if (match := YEAR_LAST.fullmatch(text)) and match[2] != "."]
    day_first = sum(1 for match in matches if int(match[1]) > 12)
    month_first = sum(1 for match in matches if int(match[3]) > 12)
    if bool(day_first) == bool(month_first):
        return ""
    return "dmy" if day_first else "mdy"


def is_order_open(samples: Iterable[str]) -> bool:
    """Whether a column has dates such as 3/5/2024, and none that shows which number is the day."""
    seen = [text for text in samples if text]
    matches = [match for text in seen if (match := YEAR_LAST.fullmatch(text)) and match[2] != "."]
    return bool(matches) and len(matches) * 2 >= len(seen) and not guess_order(seen)


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
