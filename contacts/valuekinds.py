"""Whether a stored value fits a filter or a calculation in a mail. Pure.

Each rule is here for Python (`fits`, for each mail) and for PostgreSQL (`MISFITS`, which counts
people before a mailing); a test compares both. The rules are stricter than imports: a stored
"1,299" may be 1.299 or 1299.
"""

import math
import re
from datetime import date
from decimal import Decimal
from typing import Any

NUMBER, DATE, CALCULATION = "number", "date", "calculation"
# An address that a link leads to, and a part of such an address's host.
LINK, HOST = "link", "host"

# POSIX and Python match these patterns in the same way.
NUMBER_PATTERN = r" *[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})? *"
_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
# "2026-03-09", perhaps with a time after it.
DATE_PATTERN = rf"(?!0000)(?:[0-9]{{4}}-{_DAY}|{_LEAP}-02-29)(?:[T ][0-9:.+Z-]*)?"
# Schemes that run code in a reader's browser or open files on the reader's computer: refused.
DANGEROUS = (
    "javascript vbscript data blob file filesystem about view-source mhtml jar search-ms".split()
)
_BLANK, _SIGN, _OF_HOST = r" \t\r\n", r"[^ \t\r\n]", r"[^ \t\r\n/?#:@.\\]"


def _any_case(words: str) -> str:
    """A pattern that matches lower-case words in any case."""
    return "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in words)


_WEB = rf"{_any_case('http')}[sS]?[:：][/\\]*[^ \t\r\n/?#\\]{_SIGN}*"
_RULED_OUT = "|".join(map(_any_case, [*DANGEROUS, "http", "https"]))
_APP = rf"(?!(?:{_RULED_OUT}):)[A-Za-z][A-Za-z0-9+.-]*:{_SIGN}+"
_PLACE = rf"(?://)?{_OF_HOST}+(?:\.{_OF_HOST}+)+\.?(?::[0-9]{{1,5}})?(?:[/?#]{_SIGN}*)?"
_ADDRESS = rf"[^ \t\r\n/?#:@]+@{_OF_HOST}+(?:\.{_OF_HOST}+)+(?:\?{_SIGN}*)?"
LINK_PATTERN = rf"[{_BLANK}]*(?:{_WEB}|{_APP}|{_PLACE}|{_ADDRESS})[{_BLANK}]*"
HOST_PATTERN = r"[^ \t\r\n/?#:@\\]+"
_LINK = re.compile(LINK_PATTERN)
_HOST = re.compile(HOST_PATTERN)
_NUMBER = re.compile(NUMBER_PATTERN)
_DATE = re.compile(DATE_PATTERN)

# {kind: condition for a person with a value that doesn't fit}. `{value}` is the value as
# text, `{json}` as jsonb; parameters hold the patterns.
MISFITS = {
    NUMBER: "btrim({value}) <> '' AND {value} !~ %(number_pattern)s",
    DATE: "btrim({value}) <> '' AND {value} !~ %(date_pattern)s",
    # A text can't be compared with a number, even if it looks like one.
    CALCULATION: "btrim({value}) <> '' AND jsonb_typeof({json}) = 'string'",
    LINK: "btrim({value}) <> '' AND (jsonb_typeof({json}) <> 'string'"
    " OR {value} !~ %(link_pattern)s)",
    HOST: "btrim({value}) <> '' AND jsonb_typeof({json}) = 'string'"
    " AND {value} !~ %(host_pattern)s",
}
PARAMETERS = {
    "number_pattern": f"^(?:{NUMBER_PATTERN})$",
    "date_pattern": f"^(?:{DATE_PATTERN})$",
    "link_pattern": f"^(?:{LINK_PATTERN})$",
    "host_pattern": f"^(?:{HOST_PATTERN})$",
}


def fits(kind: str, value: Any) -> bool:
    """Whether a value that is not empty can be shown or counted as this kind."""
    if kind == DATE:
        return isinstance(value, date) or (isinstance(value, str) and is_date(value))
    if kind in {LINK, HOST}:
        pattern = _LINK if kind == LINK else _HOST
        return pattern.fullmatch(value) is not None if isinstance(value, str) else kind == HOST
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return math.isfinite(value)
    return kind == NUMBER and isinstance(value, str) and _NUMBER.fullmatch(value) is not None


def is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None
