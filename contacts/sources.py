"""Where a contact, subscription or suppression came from: `import 12`, `campaign 7`, `page`.

A `page` source may carry a random word after it, by which one action can be undone. What happened
afterwards may follow a comma: `campaign 7, taken back` (AFTERWARDS).

What a source is called comes from the app that has it, in its module `sources`:

    @sources.named("campaign")
    def names(workspace, numbers): return {number: name, ...}
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts import addresses
from contacts.models import Contact, Import
from pages.numbers import whole

# Source words of this and other apps whose number is the key of a page of that name.
LINKED = ("import", "campaign", "mailbox", "contact")
# Those whose people have a page of its own, by the name of its address.
PEOPLE = {"campaign": "recipients"}

# By its link a recipient took an unsubscription back; said no once more, by another mail.
TAKEN_BACK, SAID_AGAIN = ", taken back", ", said again"
AFTERWARDS = {TAKEN_BACK: gettext_lazy("taken back"), SAID_AGAIN: gettext_lazy("said again")}


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
    given = {code: _parts(code) for code in codes}
    numbers: dict[str, set[int]] = {}
    for kind, text, _after in given.values():
        if kind in _named and (number := whole(text)) is not None:
            numbers.setdefault(kind, set()).add(number)
    known = {
        (kind, str(number)): name
        for kind, wanted in numbers.items()
        for number, name in _named[kind](workspace, wanted).items()
    }
    return {
        code: _with(known[kind, number], after)
        for code, (kind, number, after) in given.items()
        if (kind, number) in known
    }


def _parts(source: str) -> tuple[str, str, str]:
    """(kind, number, what happened afterwards)"""
    after = next((end for end in AFTERWARDS if source.endswith(end)), "")
    kind, _space, number = source.removesuffix(after).partition(" ")
    return kind, number, after


def _with(text: str, after: str) -> str:
    return f"{text} ({AFTERWARDS[after]})" if after else text


def words(source: str) -> str:
    """The source for people, without its name."""
    kind, number, after = _parts(source)
    known = {
        "import": _("Import {number}"),
        "campaign": _("Campaign {number}"),
        "mailing": _("Mailing {number}"),
        "mailbox": _("Bounce mailbox {number}"),
        "contact": _("Contact {number}"),
        "page": _("By hand"),
        "command": _("Command line"),
        "sandbox": _("Addresses of the sandbox"),
    }
    return _with(known[kind].format(number=number), after) if kind in known else source


def url(source: str, slug: str) -> str:
    """The page that the source is, or ""."""
    kind = _parts(source)[0]
    return _url(source, slug, kind) if kind in LINKED else ""


def people_url(source: str, slug: str) -> str:
    """The page with the people of the source, or ""."""
    name = PEOPLE.get(_parts(source)[0])
    return _url(source, slug, name) if name else ""


def _url(source: str, slug: str, name: str) -> str:
    number = whole(_parts(source)[1])
    if number is None:
        return ""
    try:
        return reverse(name, kwargs={"slug": slug, "pk": number})
    except NoReverseMatch:
        return ""
