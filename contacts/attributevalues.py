"""Values of attributes as people read them, by the attribute's type."""

import datetime as dt
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.mergevalues import YearDay
from pages import locales

# A contact has no value.
NONE = "–"


def shown(type_: str, value: object) -> str:
    """In the reader's language; "–" for none. A value of another form, such as one of before a
    merge, is shown as it is stored."""
    if value in (None, "", []):
        return NONE
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, int | float):
        return locales.number(value)
    return _listed(value) if isinstance(value, list) else _of_text(type_, str(value))


def _of_text(type_: str, text: str) -> str:
    with suppress(ValueError):
        if type_ == "day":
            return locales.day_of_year(YearDay(text).date)
        if type_ == "date":
            return locales.day(dt.date.fromisoformat(text))
    return text


def _listed(value: Sequence[Any]) -> str:
    if all(isinstance(one, str) for one in value):
        return " · ".join(value)
    text = ngettext("{count} entry", "{count} entries", len(value))
    return text.format(count=locales.number(len(value)))


# Objects and characters of each that `entries` shows.
MOST_ENTRIES, LONGEST_ENTRY = 20, 200


def entries(value: object) -> list[str]:
    """The first objects of a list, each as one line: "name: Tea · price: 5"; [] for others."""
    if not isinstance(value, list):
        return []
    lines = (
        " · ".join(f"{name}: {_inner(one)}" for name, one in entry.items())
        for entry in value[:MOST_ENTRIES]
        if isinstance(entry, dict)
    )
    return [line if len(line) <= LONGEST_ENTRY else f"{line[:LONGEST_ENTRY]}…" for line in lines]


def _inner(value: object) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, str) else shown("", value)


def written(value: object) -> Any:
    """As a file has it, in the form that an import reads: several choices with "; " between, and
    objects as JSON. Others as they are."""
    if not isinstance(value, list | dict):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False)
