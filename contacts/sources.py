"""Where a contact, subscription or suppression came from: `import 12`, `campaign 7`, `page`.

A `page` source may carry a random word after it, by which one action can be undone.

What a source is called comes from the app that has it, in its module `sources`:

    @sources.named("campaign")
    def names(workspace, numbers): return {number: name, ...}
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts import addresses
from contacts.models import Contact, Import
from pages import wellformed

# Source words of this and other apps whose number is the key of a page of that name.
LINKED = ("import", "campaign", "mailbox", "contact")
# Those whose people have a page of its own, by the name of its address.
PEOPLE = {"campaign": "recipients"}


def page() -> str:
    """A source for one action on a page, to be found again by undo."""
    return f"page {secrets.token_hex(6)}"


Names = Callable[[Workspace, Collection[int]], Mapping[int, str]]
_named: dict[str, Names] = {}


def named(kind: str) -> Callable[[Names], Names]:
    """Registers what gives the names of sources of this kind, by one query."""

    def register(function: Names) -> Names:
        _named[kind] = function
        return function

    return register


@named("import")
def _imports(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    files = Import.objects.filter(workspace=workspace, pk__in=numbers)
    return dict(files.values_list("pk", "filename"))


@named("contact")
def _contacts(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    people = Contact.objects.filter(workspace=workspace, pk__in=numbers)
    return {pk: addresses.display(email) for pk, email in people.values_list("pk", "email")}


def names(workspace: Workspace, codes: Iterable[str]) -> dict[str, str]:
    """{source: its name} of those that have one; a query for each kind among them."""
    numbers: dict[str, set[int]] = {}
    for code in codes:
        kind, _space, number = code.partition(" ")
        if kind in _named and (pk := wellformed.number(number)) is not None:
            numbers.setdefault(kind, set()).add(pk)
    return {
        f"{kind} {number}": name
        for kind, wanted in numbers.items()
        for number, name in _named[kind](workspace, wanted).items()
    }


def words(source: str) -> str:
    """The source for people, without its name."""
    kind, _space, number = source.partition(" ")
    known = {
        "import": _("Import {number}"),
        "campaign": _("Campaign {number}"),
        "mailing": _("Mailing {number}"),
        "mailbox": _("Bounce mailbox {number}"),
        "contact": _("Contact {number}"),
        "page": _("By hand"),
        "command": _("Command line"),
    }
    return known.get(kind, source).format(number=number)


def url(source: str, slug: str) -> str:
    """The page that the source is, or ""."""
    kind = source.partition(" ")[0]
    return _url(source, slug, kind) if kind in LINKED else ""


def people_url(source: str, slug: str) -> str:
    """The page with the people of the source, or ""."""
    name = PEOPLE.get(source.partition(" ")[0])
    return _url(source, slug, name) if name else ""


def _url(source: str, slug: str, name: str) -> str:
    number = wellformed.number(source.partition(" ")[2])
    if number is None:
        return ""
    try:
        return reverse(name, kwargs={"slug": slug, "pk": number})
    except NoReverseMatch:
        return ""
