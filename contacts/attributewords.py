"""What was done with attributes, in words."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pages import locales


def deleted(had: int, names: Sequence[str]) -> str:
    """`had`: contacts that had a value of one of them."""
    if len(names) == 1:
        text = ngettext(
            "{name} is deleted, with the value of {count} person.",
            "{name} is deleted, with the values of {count} people.",
            had,
        )
    else:
        text = ngettext(
            "{name} are deleted, with the values of {count} person.",
            "{name} are deleted, with the values of {count} people.",
            had,
        )
    return text.format(name=locales.listed(names), count=locales.number(had))


def still_had(having: Mapping[str, int]) -> str:
    """`having`: {choice that goes: contacts that have it}."""
    each = [
        ngettext("{choice} ({count} contact)", "{choice} ({count} contacts)", count).format(
            choice=choice, count=locales.number(count)
        )
        for choice, count in having.items()
    ]
    return _(
        "Contacts have what would be no choice any more: {choices}. They keep it, but segments "
        "with it match nobody. Save again to remove it all the same."
    ).format(choices=locales.listed(each))


def merged(filled: int, name: str, other: str) -> str:
    """`filled`: contacts that got a value."""
    text = ngettext(
        "{name} is merged into {other}; {count} contact got its value.",
        "{name} is merged into {other}; {count} contacts got their value.",
        filled,
    )
    return text.format(name=name, other=other, count=locales.number(filled))
