"""What kinds of sources (contacts.provenance) are called, and their pages.

Each app registers its own in its module `sources`: `kinds.add(SourceKind("campaign", ...))`.
What became of a source later stands beside it (contacts.models.Afterwards).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts import addresses, provenance
from contacts.models import Afterwards, Contact, Import
from contacts.provenance import Source
from pages.numbers import whole
from pages.registry import Registry

# Of one kind, by one query: {number: name}.
Names = Callable[[Workspace, Collection[int]], Mapping[int, str]]
# A source and what became of it, as a sentence.
Say = Callable[[Source, str], str]


@dataclass(frozen=True, slots=True)
class SourceKind:
    """Pages are names of URLs whose key is the source's number."""

    code: str
    # Such as: Campaign {number}
    words: str | Promise
    names: Names | None = None
    page: str = ""
    # The page with its people.
    people: str = ""


kinds: Registry[SourceKind] = Registry(key=attrgetter("code"))


def _imports(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    files = Import.objects.filter(workspace=workspace, pk__in=numbers)
    return dict(files.values_list("pk", "filename"))


def _contacts(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    people = Contact.objects.filter(workspace=workspace, pk__in=numbers)
    return {pk: addresses.display(email) for pk, email in people.values_list("pk", "email")}


kinds.add(SourceKind(provenance.IMPORT, gettext_lazy("Import {number}"), _imports, page="import"))
kinds.add(
    SourceKind(provenance.CONTACT, gettext_lazy("Contact {number}"), _contacts, page="contact")
)
kinds.add(SourceKind(provenance.PAGE, gettext_lazy("By hand")))
kinds.add(SourceKind(provenance.JOB, gettext_lazy("By hand"), page="job"))


def names(workspace: Workspace, sources: Iterable[Source]) -> dict[Source, str]:
    """{source: its name} of those that have one; a query for each kind among them."""
    numbers: dict[str, set[int]] = {}
    for source in sources:
        numbers.setdefault(source.kind, set()).add(source.number)
    return {
        Source(code, number): name
        for code, wanted in numbers.items()
        if (kind := kinds.get(code)) and kind.names
        for number, name in kind.names(workspace, wanted).items()
    }


def import_named(workspace: Workspace, number: str) -> dict[Source, str]:
    """The import with the number that a page's parameter gives, with its name; {} if there is
    none."""
    pk = whole(number)
    return names(workspace, [Source(provenance.IMPORT, pk)]) if pk is not None else {}


# Translators: a source and what became of it, such as: Campaign 7 (taken back)
BECAME = gettext_lazy("{source} ({what})")


def in_words(named: Mapping[Source, str] | None = None) -> Say:
    """Says sources in the language of now, also when it has changed since; `named` by their names
    (`names`)."""
    words_of = {kind.code: str(kind.words) for kind in kinds}
    became = {code: str(label) for code, label in Afterwards.choices}
    pattern, known = str(BECAME), named or {}

    def say(source: Source, afterwards: str = "") -> str:
        text = known.get(source) or words_of.get(source.kind, source.kind).format(
            number=source.number
        )
        return pattern.format(source=text, what=became[afterwards]) if afterwards else text

    return say


def words(source: Source) -> str:
    """The source for people, without its name."""
    return in_words()(source, "")


def is_there(source: Source, named: Mapping[Source, str]) -> bool:
    """Whether its page is there, by the names that were found: what was deleted has none."""
    kind = kinds.get(source.kind)
    return source in named or kind is None or kind.names is None


def url(source: Source, slug: str) -> str:
    """The page that the source is, or ""."""
    kind = kinds.get(source.kind)
    return _url(source, slug, kind.page) if kind else ""


def people_url(source: Source, slug: str) -> str:
    """The page with the people of the source, or ""."""
    kind = kinds.get(source.kind)
    return _url(source, slug, kind.people) if kind else ""


def _url(source: Source, slug: str, name: str) -> str:
    if not source.number or not name:
        return ""
    return reverse(name, kwargs={"slug": slug, "pk": source.number})
