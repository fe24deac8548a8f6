"""Values of attributes as people read them, by the attribute's type."""

import datetime as dt
from contextlib import suppress

from django.utils.translation import gettext as _

from pages import locales

# A contact has no value.
NONE = "–"


def shown(type_: str, value: object) -> str:
    """In the reader's language; "–" for none. A value of another form, such as one of before a
    merge, is shown as it is stored."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, int | float):
        return locales.number(value)
    if type_ == "date":
        with suppress(ValueError):
            return locales.day(dt.date.fromisoformat(str(value)))
    return str(value)
