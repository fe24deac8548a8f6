"""The operators of conditions, by the type of what they compare, and the values that they take."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy, pgettext_lazy

from contacts import values
from contacts.exceptions import ContactsError
from contacts.segments import shares

# A text; a day number; the lines of a list that somebody pasted, and all their characters.
MOST_CHARACTERS = 500
MOST_DAYS = 36_500
MOST_LINES = 10_000
MOST_OF_LINES = 500_000
# Digits and signs of an input method for Chinese, as those of ASCII.
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}

Value = str | int | float


class Takes(StrEnum):
    """The values of an operator, and so the controls for them."""

    NOTHING = "nothing"
    TEXT = "text"
    LINES = "lines"
    NUMBER = "number"
    RANGE = "range"
    DATE = "date"
    DATES = "dates"
    DAYS = "days"
    # Month and day.
    YEAR_DAY = "year_day"
    CHOICE = "choice"
    # At least so many times; within so many days, or blank: ever.
    TIMES = "times"
    # Within so many days, or blank: ever.
    WITHIN = "within"
    # From so many percent to so many, and the code that mixes the contacts.
    SHARE = "share"


# What each box of an operator means, in the order of its values. A box keeps its value when another
# operator is chosen whose box means the same.
BOXES: Mapping[Takes, tuple[str, ...]] = {
    Takes.NOTHING: (),
    Takes.TEXT: ("text",),
    Takes.LINES: ("lines",),
    Takes.NUMBER: ("number",),
    Takes.RANGE: ("number", "number_2"),
    Takes.DATE: ("date",),
    Takes.DATES: ("date", "date_2"),
    Takes.DAYS: ("days",),
    Takes.YEAR_DAY: ("year_day",),
    Takes.CHOICE: ("choice",),
    Takes.TIMES: ("times", "within"),
    Takes.WITHIN: ("within",),
    Takes.SHARE: ("share", "share_2", "code"),
}


@dataclass(frozen=True, slots=True)
class Operator:
    """`label`: in the builder, between subject and value. `sentence`: the condition as words, with
    {subject} and {value}; for a range and for times also {second}; for a share this and {code}."""

    key: str
    label: str | Promise
    sentence: str | Promise
    takes: Takes = Takes.NOTHING


class ValueProblemError(ContactsError, ValueError):
    """A value that the operator can't take; the text says what to enter."""


def _of(*operators: Operator) -> tuple[Operator, ...]:
    return operators


IS = Operator("is", gettext_lazy("is"), gettext_lazy("{subject} is {value}"), Takes.TEXT)
IS_NOT = Operator(
    "is_not", gettext_lazy("is not"), gettext_lazy("{subject} is not {value}"), Takes.TEXT
)
ONE_OF = Operator(
    "one_of",
    gettext_lazy("is one of these lines"),
    gettext_lazy("{subject} is one of {value}"),
    Takes.LINES,
)
NONE_OF = Operator(
    "none_of",
    gettext_lazy("is none of these lines"),
    gettext_lazy("{subject} is none of {value}"),
    Takes.LINES,
)
BLANK = Operator(
    "blank", gettext_lazy("is blank"), gettext_lazy("{subject} is blank"), Takes.NOTHING
)
FILLED = Operator(
    "filled", gettext_lazy("is not blank"), gettext_lazy("{subject} is not blank"), Takes.NOTHING
)
TEXT = _of(
    IS,
    IS_NOT,
    Operator(
        "contains",
        gettext_lazy("contains"),
        gettext_lazy("{subject} contains {value}"),
        Takes.TEXT,
    ),
    Operator(
        "contains_not",
        gettext_lazy("does not contain"),
        gettext_lazy("{subject} does not contain {value}"),
        Takes.TEXT,
    ),
    Operator(
        "begins",
        gettext_lazy("begins with"),
        gettext_lazy("{subject} begins with {value}"),
        Takes.TEXT,
    ),
    ONE_OF,
    NONE_OF,
    BLANK,
    FILLED,
)
# A text of which contacts have one: an address.
ALWAYS = tuple(one for one in TEXT if one not in {BLANK, FILLED})
NUMBER = _of(
    Operator("equal", "=", "{subject} = {value}", Takes.NUMBER),
    Operator("unequal", "≠", "{subject} ≠ {value}", Takes.NUMBER),
    Operator("below", "<", "{subject} < {value}", Takes.NUMBER),
    Operator("at_most", "≤", "{subject} ≤ {value}", Takes.NUMBER),
    Operator("above", ">", "{subject} > {value}", Takes.NUMBER),
    Operator("at_least", "≥", "{subject} ≥ {value}", Takes.NUMBER),
    Operator(
        "between",
        gettext_lazy("is between"),
        gettext_lazy("{subject} is between {value} and {second}"),
        Takes.RANGE,
    ),
    BLANK,
    FILLED,
)
# Of a moment that contacts always have.
MOMENT = _of(
    Operator(
        "last_days",
        gettext_lazy("is in the last … days"),
        ngettext_lazy(
            "{subject} is in the last {value} day",
            "{subject} is in the last {value} days",
            "days",
        ),
        Takes.DAYS,
    ),
    Operator("on", gettext_lazy("is on"), gettext_lazy("{subject} is on {value}"), Takes.DATE),
    Operator(
        "before", gettext_lazy("is before"), gettext_lazy("{subject} is before {value}"), Takes.DATE
    ),
    Operator(
        "after", gettext_lazy("is after"), gettext_lazy("{subject} is after {value}"), Takes.DATE
    ),
    Operator(
        "from_to",
        gettext_lazy("is from … to"),
        gettext_lazy("{subject} is from {value} to {second}"),
        Takes.DATES,
    ),
)
DATE = _of(
    *MOMENT[1:],
    MOMENT[0],
    Operator(
        "next_days",
        gettext_lazy("is in the next … days"),
        ngettext_lazy(
            "{subject} is in the next {value} day",
            "{subject} is in the next {value} days",
            "days",
        ),
        Takes.DAYS,
    ),
    Operator(
        "anniversary",
        gettext_lazy("has its anniversary in the next … days"),
        ngettext_lazy(
            "the anniversary of {subject} is in the next {value} day",
            "the anniversary of {subject} is in the next {value} days",
            "days",
        ),
        Takes.DAYS,
    ),
    BLANK,
    FILLED,
)
# A day of the year. 29 February counts as 28 February in other years.
DAY = _of(
    Operator("on", DATE[0].label, DATE[0].sentence, Takes.YEAR_DAY),
    *(one for one in DATE if one.key in {"last_days", "next_days"}),
    BLANK,
    FILLED,
)
BOOLEAN = _of(
    Operator(
        "yes",
        pgettext_lazy("yes/no", "is yes"),
        pgettext_lazy("yes/no", "{subject} is yes"),
        Takes.NOTHING,
    ),
    Operator(
        "no",
        pgettext_lazy("yes/no", "is no"),
        pgettext_lazy("yes/no", "{subject} is no"),
        Takes.NOTHING,
    ),
    BLANK,
    FILLED,
)
CHOICE = _of(
    Operator("is", IS.label, IS.sentence, Takes.CHOICE),
    Operator("is_not", IS_NOT.label, IS_NOT.sentence, Takes.CHOICE),
    ONE_OF,
    NONE_OF,
    BLANK,
    FILLED,
)
CHOICES = _of(
    Operator(
        "has_any",
        gettext_lazy("has any of these lines"),
        gettext_lazy("{subject} has any of {value}"),
        Takes.LINES,
    ),
    Operator(
        "has_all",
        gettext_lazy("has all of these lines"),
        gettext_lazy("{subject} has all of {value}"),
        Takes.LINES,
    ),
    Operator(
        "has_none",
        gettext_lazy("has none of these lines"),
        gettext_lazy("{subject} has none of {value}"),
        Takes.LINES,
    ),
    BLANK,
    FILLED,
)
OBJECTS = _of(FILLED, BLANK)
BY_TYPE: Mapping[str, tuple[Operator, ...]] = {
    "text": TEXT,
    "number": NUMBER,
    "date": DATE,
    "boolean": BOOLEAN,
    "choice": CHOICE,
    "day": DAY,
    "choices": CHOICES,
    "objects": OBJECTS,
}


def read(
    takes: Takes,
    given: Sequence[object],
    choices: Sequence[tuple[str, object]] = (),
    in_line: Callable[[str], list[str]] | None = None,
) -> tuple[Value, ...]:
    """The values of an operator from JSON or from a form; `in_line`: those of a pasted line. Raises
    ValueProblemError."""
    texts = [str(one) if isinstance(one, str | int | float) else "" for one in given]
    if takes == Takes.LINES:
        return _lines(texts, in_line or (lambda line: [line]))
    if any(len(text) > MOST_CHARACTERS for text in texts):
        raise ValueProblemError(_("Enter at most 500 characters."))
    first, second, third = (*map(values.clean, texts), "", "", "")[:3]
    if takes == Takes.SHARE:
        return (*_share(first, second), _code(third))
    if takes not in {Takes.TEXT, Takes.CHOICE}:
        first, second = (text.translate(FULL_WIDTH) for text in (first, second))
    if takes == Takes.CHOICE:
        return (_choice(first, choices),)
    return READERS[takes](first, second)


def _text(text: str) -> str:
    if not text:
        raise ValueProblemError(_("Enter a value."))
    return text


def _lines(texts: Sequence[str], in_line: Callable[[str], list[str]]) -> tuple[str, ...]:
    if sum(map(len, texts)) > MOST_OF_LINES:
        raise ValueProblemError(_("The list is too long. Enter at most 10,000 lines."))
    lines = (values.clean(line) for text in texts for line in text.splitlines())
    found = tuple(dict.fromkeys(one for line in lines if line for one in in_line(line)))
    if not found:
        raise ValueProblemError(_("Enter at least one line."))
    if len(found) > MOST_LINES:
        raise ValueProblemError(_("The list is too long. Enter at most 10,000 lines."))
    if any(len(line) > MOST_CHARACTERS for line in found):
        raise ValueProblemError(_("A line has at most 500 characters."))
    return found


def _number(text: str) -> int | float:
    try:
        return values.number(text)
    except ValueError as error:
        raise ValueProblemError(_("Enter a number, such as 12.5.")) from error


def _date(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueProblemError(_("Enter a date, such as 2026-03-09.")) from error


def _year_day(text: str) -> str:
    try:
        return values.day(text)
    except ValueError as error:
        raise ValueProblemError(_("Enter month and day, such as 03-09.")) from error


def _whole(text: str, *, least: int = 0) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
    if not least <= number <= MOST_DAYS:
        pattern = _("Enter a whole number from {least} to {most}.")
        raise ValueProblemError(pattern.format(least=least, most=MOST_DAYS))
    return number


def _choice(text: str, choices: Sequence[tuple[str, object]]) -> str:
    if text not in {value for value, _label in choices}:
        raise ValueProblemError(_("Choose a value."))
    return text


def _ordered(first: Value, second: Value) -> tuple[Value, Value]:
    if second < first:  # type: ignore[operator]  # both are of one type
        raise ValueProblemError(_("The second value must not be below the first."))
    return first, second


def _share(first: str, second: str) -> tuple[float, float]:
    low, high = _percent(first), _percent(second)
    if low >= high:
        raise ValueProblemError(_("The second percentage must be above the first."))
    return low, high


def _percent(text: str) -> float:
    text = text.translate(FULL_WIDTH).removesuffix("%").strip()
    try:
        number = values.number(text)
        return shares.percent(number)
    except ValueError as error:
        said = _("Enter percentages from 0 to 100, with at most two decimals.")
        raise ValueProblemError(said) from error


def _code(text: str) -> str:
    try:
        return shares.read_code(text)
    except ValueError as error:
        said = _("Enter a code of letters a-z, digits and hyphens, or choose “New code”.")
        raise ValueProblemError(said) from error


def _times(times: str, days: str) -> tuple[int, ...]:
    return (_whole(times or "1", least=1), *_within(days))


def _within(days: str) -> tuple[int, ...]:
    return (_whole(days, least=1),) if days else ()


READERS: Mapping[Takes, Callable[[str, str], tuple[Value, ...]]] = {
    Takes.NOTHING: lambda _first, _second: (),
    Takes.TEXT: lambda first, _second: (_text(first),),
    Takes.NUMBER: lambda first, _second: (_number(first),),
    Takes.RANGE: lambda first, second: _ordered(_number(first), _number(second)),
    Takes.DATE: lambda first, _second: (_date(first),),
    Takes.DATES: lambda first, second: _ordered(_date(first), _date(second)),
    Takes.DAYS: lambda first, _second: (_whole(first),),
    Takes.YEAR_DAY: lambda first, _second: (_year_day(first),),
    Takes.TIMES: _times,
    Takes.WITHIN: lambda first, _second: _within(first),
}
