"""What became of contacts and a tag, in words: for jobs, and for pages about few contacts."""

from django.utils.translation import ngettext

from pages import locales


def added(contacts: int, tag: str) -> str:
    text = ngettext(
        "{count} contact got the tag “{tag}”.", "{count} contacts got the tag “{tag}”.", contacts
    )
    return text.format(count=locales.number(contacts), tag=tag)


def removed(contacts: int, tag: str) -> str:
    text = ngettext(
        "The tag “{tag}” was removed from {count} contact.",
        "The tag “{tag}” was removed from {count} contacts.",
        contacts,
    )
    return text.format(count=locales.number(contacts), tag=tag)


def merged(contacts: int, tag: str, into: str) -> str:
    """`contacts` had it."""
    text = ngettext(
        "“{tag}” was merged into “{other}”: {count} contact had it.",
        "“{tag}” was merged into “{other}”: {count} contacts had it.",
        contacts,
    )
    return text.format(count=locales.number(contacts), tag=tag, other=into)


def deleted(contacts: int, tag: str) -> str:
    """`contacts` had it."""
    text = ngettext(
        "The tag “{tag}” is deleted. {count} contact had it.",
        "The tag “{tag}” is deleted. {count} contacts had it.",
        contacts,
    )
    return text.format(count=locales.number(contacts), tag=tag)
