"""Where a contact, subscription or suppression came from: `import 12`, `campaign 7`, `page`.

A `page` source may carry a random word after it, by which one action can be undone.
"""

import secrets

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

# Source words of this and other apps whose number is the key of a page of that name.
LINKED = ("import", "campaign", "mailbox")


def page() -> str:
    """A source for one action on a page, to be found again by undo."""
    return f"page {secrets.token_hex(6)}"


def words(source: str) -> str:
    """The source for people."""
    kind, _space, number = source.partition(" ")
    known = {
        "import": _("Import {number}"),
        "campaign": _("Campaign {number}"),
        "mailing": _("Mailing {number}"),
        "mailbox": _("Bounce mailbox {number}"),
        "page": _("By hand"),
        "command": _("Command line"),
    }
    return known.get(kind, source).format(number=number)


def url(source: str, slug: str) -> str:
    """The page that the source is, or ""."""
    kind, _space, number = source.partition(" ")
    if kind not in LINKED or not number.isdecimal():
        return ""
    try:
        return reverse(kind, kwargs={"slug": slug, "pk": int(number)})
    except NoReverseMatch:
        return ""
