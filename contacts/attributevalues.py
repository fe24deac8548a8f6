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


def written(value: object) -> Any:
    """As a file has it, in the form that an import reads: several choices with "; " between, and
    objects as JSON. Others as they are."""
    if not isinstance(value, list):
        return value
    if all(isinstance(one, str) for one in value):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False)
