"""Where a contact, subscription or suppression came from: `import 12`, `campaign 7`, `page`.

A `page` source may carry a random word after it, by which one action can be undone. What became of
it later stands beside it (contacts.models.Afterwards).

What a kind of source is called, and its page, comes from the app that has it, in its module
`sources`: `sources.kinds.add(Kind("campaign", ...))`.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts import addresses
from contacts.models import Contact, Import
from pages.numbers import whole
from pages.registry import Registry


def page() -> str:
    """A source for one action on a page, to be found again by undo."""
    return f"page {secrets.token_hex(6)}"


# Of one kind, by one query: {number: name}.
Names = Callable[[Workspace, Collection[int]], Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A source's first word. Pages are names of URLs whose key is the source's number."""

    code: str
    # Such as: Campaign {number}
    words: str | Promise
    names: Names | None = None
    page: str = ""
    # The page with its people.
    people: str = ""


kinds: Registry[Kind] = Registry(key=attrgetter("code"))


def _imports(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    files = Import.objects.filter(workspace=workspace, pk__in=numbers)
    return dict(files.values_list("pk", "filename"))


def _contacts(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    people = Contact.objects.filter(workspace=workspace, pk__in=numbers)
    return {pk: addresses.display(email) for pk, email in people.values_list("pk", "email")}


kinds.add(Kind("import", gettext_lazy("Import {number}"), _imports, page="import"))
kinds.add(Kind("contact", gettext_lazy("Contact {number}"), _contacts, page="contact"))
kinds.add(Kind("page", gettext_lazy("By hand")))
kinds.add(Kind("command", gettext_lazy("Command line")))


def names(workspace: Workspace, codes: Iterable[str]) -> dict[str, str]:
    """{source: its name} of those that have one; a query for each kind among them."""
    given = {code: _parts(code) for code in codes}
    numbers: dict[str, set[int]] = {}
    for kind, text in given.values():
        if (number := whole(text)) is not None:
            numbers.setdefault(kind, set()).add(number)
    known = {
        (kind, str(number)): name
        for kind, wanted in numbers.items()
        for number, name in _names(workspace, kind, wanted).items()
    }
    return {
        code: known[kind, number]
        for code, (kind, number) in given.items()
        if (kind, number) in known
    }


def _names(workspace: Workspace, code: str, numbers: Collection[int]) -> Mapping[int, str]:
    kind = kinds.get(code)
    return kind.names(workspace, numbers) if kind and kind.names else {}


def _parts(source: str) -> tuple[str, str]:
    """(kind, number)"""
    kind, _space, number = source.partition(" ")
    return kind, number


def words(source: str) -> str:
    """The source for people, without its name."""
    code, number = _parts(source)
    kind = kinds.get(code)
    return str(kind.words).format(number=number) if kind else source


def url(source: str, slug: str) -> str:
    """The page that the source is, or ""."""
    kind = kinds.get(_parts(source)[0])
    return _url(source, slug, kind.page) if kind else ""


def people_url(source: str, slug: str) -> str:
    """The page with the people of the source, or ""."""
    kind = kinds.get(_parts(source)[0])
    return _url(source, slug, kind.people) if kind else ""


def _url(source: str, slug: str, name: str) -> str:
    number = whole(_parts(source)[1])
    if number is None or not name:
        return ""
    return reverse(name, kwargs={"slug": slug, "pk": number})
