"""How the reader's language puts words together."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def listed(items: Iterable[str]) -> str:
    """ "a, b, c" """
    return pgettext("between the items of a list", ", ").join(items)


def in_zone(at: str, zone: str) -> str:
    """A time with the zone it is stated in."""
    return _("{at} ({zone})").format(at=at, zone=zone)
