"""The look of each state: colour role, icon and word. Colour is never the only sign.

Each app registers its states in its module `statuses`, except for codes that an app on its left has
registered: a code looks the same everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Look:
    # good, bad, warn, busy, info, quiet: the CSS class is tone-<role> (frontend/src/statuses.css).
    role: str
    icon: str
    label: str | Promise


looks: Registry[Look] = Registry()


def register(given: Mapping[str, Look]) -> None:
    """{code: its look}. Raises RegisteredTwiceError if a code has another look already."""
    for code, one in given.items():
        looks.add(one, key=code)


def look(code: object) -> Look:
    """The look of a state's code. A code that no app registered is shown as it is, in grey."""
    text = str(code)
    return looks.get(text) or Look("quiet", "point", text.replace("_", " ").capitalize())


# States of background work (pages.activity) and of checks.
register(
    {
        "running": Look("busy", "loader-2", _("Running")),
        "ok": Look("good", "circle-check", _("Works")),
        "error": Look("bad", "alert-triangle", _("Error")),
    }
)
