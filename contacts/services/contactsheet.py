"""The export of contacts: their fields, consent status, and last mails. And the export of
suppressions, which may be of addresses and domains without a contact."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts import attributevalues, consent, csvdetect, exports, peoplecolumns, sources, tagnames
from contacts.models import Attribute, Contact, List, Suppression
from contacts.queries import consent as query

# Columns that every export has: the address, three names, the status columns, the tags, and the
# time of creation.
PLAIN = 4 + len(exports.STATUS) + 2


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of the file that belong together, and their cells for one contact. `keys`: the
    columns of the table (contacts.peoplecolumns) that stand for them."""

    names: tuple[str, ...]
    cells: Callable[[query.ExportedPerson], Sequence[Any]]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of an export, made one by one. Their cells have the types of Python."""

    header: list[str]
    rows: Iterator[list[Any]]


def sheet(
    workspace: Workspace,
    people: QuerySet[Contact],
    *,
    list_id: int | None = None,
    columns: Sequence[str] | None = None,
) -> Sheet:
    """With `list_id` the status is that of this list. `columns`: the keys of the table's columns in
    their order; None: all. The status is always there, so that an import of the file mails nobody
    who left. Texts in the reader's language are looked up at once: the rows are read after the
    request."""
    parts = _parts(workspace, list_id)
    if columns is not None:
        parts = _chosen(parts, columns)

    def rows() -> Iterator[list[Any]]:
        for person in query.people(people, workspace.pk):
            yield [cell for part in parts for cell in part.cells(person)]

    return Sheet([name for part in parts for name in part.names], rows())


def stream(
    workspace: Workspace,
    people: QuerySet[Contact],
    *,
    list_id: int | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[bytes]:
    """The same as CSV, in pieces."""
    made = sheet(workspace, people, list_id=list_id, columns=columns)
    return exports.stream(made.header, (list(map(_written, row)) for row in made.rows))


def _written(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return consent.written(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


def _parts(workspace: Workspace, list_id: int | None) -> list[_Part]:
    """All columns, in their order."""
    attributes = list(Attribute.objects.filter(workspace=workspace))
    own = List.objects.filter(workspace=workspace).order_by("name")
    lists = dict(own.values_list("pk", "name"))
    wording, labels = _wording(lists), query.engagement_names()
    places_of = _columns_of_lists(lists, others=len(attributes) + len(labels))

    def status(person: query.ExportedPerson) -> Sequence[Any]:
        stands = consent.status_of(person.stops, person.places, wording, list_id=list_id)
        return stands.status, stands.reason, stands.at, stands.suppressed_at

    return [
        _Part((_("E-mail address"),), lambda person: person[:1], ("",)),
        *(
            _Part((name,), itemgetter(slice(number, number + 1)), keys)
            for number, name, keys in (
                (1, _("First name"), ("name", "first_name")),
                (2, _("Last name"), ("name", "last_name")),
                (3, _("Full name"), ("name",)),
            )
        ),
        *map(_attribute, attributes),
        _Part(exports.STATUS, status, ("status",)),
        _Part((exports.TAGS,), lambda person: (tagnames.written(person.tags),), ("tags",)),
        _Part(tuple(places_of.names), lambda person: places_of.cells(person.places), ("lists",)),
        *(_engagement(number, name) for number, name in enumerate(labels)),
        _Part((exports.ADDED,), lambda person: (person.created_at,), ("added",)),
    ]


def _attribute(attribute: Attribute) -> _Part:
    is_date = attribute.type == Attribute.Type.DATE

    def cells(person: query.ExportedPerson) -> Sequence[Any]:
        value = person.attributes.get(attribute.key)
        return (_date(value) if is_date else attributevalues.written(value),)

    return _Part((attribute.label,), cells, (peoplecolumns.OF_ATTRIBUTE + attribute.key,))


def _date(value: Any) -> Any:
    """The stored text as a date; anything else as it is, also a date in another form."""
    with suppress(ValueError, TypeError):
        day = date.fromisoformat(value)
        return day if day.isoformat() == value else value
    return value


def _engagement(number: int, name: str) -> _Part:
    return _Part((name,), lambda person: (person.engagement[number],), (name,))


# Columns that only the table shows: a part of the address, and the time of any change.
ONLY_SHOWN = frozenset({"domain", "updated"})


def _chosen(parts: Sequence[_Part], columns: Sequence[str]) -> list[_Part]:
    """The address, then the parts that the columns stand for, each once, in the columns' order; the
    status before the others if it is not among them."""
    wanted = [key for key in columns if key not in ONLY_SHOWN]
    if "status" not in wanted:
        wanted.insert(0, "status")
    found = [part for key in ("", *wanted) for part in parts if key in part.keys]
    return list(dict.fromkeys(found))


def _wording(lists: dict[int, str]) -> consent.Wording:
    reasons = {code: str(label) for code, label in Suppression.Reason.choices}
    return consent.Wording(reasons, lists, sources.in_words())


@dataclass(frozen=True, slots=True)
class _Columns:
    names: list[str]
    cells: Callable[[Sequence[consent.Place]], list[str | None]]


def _columns_of_lists(lists: dict[int, str], *, others: int) -> _Columns:
    """A column for each list; one for all lists if an import could not read so many columns."""

    def each(places: Sequence[consent.Place]) -> list[str | None]:
        cells = {place.list_id: place.cell() for place in places}
        return [cells.get(pk) for pk in lists]

    def together(places: Sequence[consent.Place]) -> list[str | None]:
        named = sorted((lists[place.list_id], place.cell()) for place in places)
        return [exports.lists_cell(named)]

    if PLAIN + others + len(lists) > csvdetect.MAX_COLUMNS:
        return _Columns([exports.LISTS], together)
    return _Columns([exports.list_column(name) for name in lists.values()], each)


# The status of a lifted suppression. An import does not know the word, so that it asks.
LIFTED = "lifted"


def suppressions(found: QuerySet[Suppression]) -> Iterator[bytes]:
    """The CSV in pieces, in the form that contacts.suppressionlines reads. A line without @ is a
    domain, one with * a pattern; of an erased person there is no address."""
    wording = _wording({})
    header = [_("Address or domain"), *exports.STATUS, "lifted_at", "kind", "until", "note"]

    def rows() -> Iterator[list[Any]]:
        columns = ("value", "lifted_at", "kind", "until", "note", *query.STOP)
        for value, lifted, kind, until, note, *stop in (
            found.order_by("pk").values_list(*columns).iterator(5000)
        ):
            stands = consent.status_of([query.stop(*stop)], [], wording)
            status, since = (LIFTED, None) if lifted else (stands.status, stands.suppressed_at)
            at = consent.written(stands.at)
            yield [
                "" if kind == Suppression.Kind.ERASED else value,
                "erased" if kind == Suppression.Kind.ERASED else status,
                stands.reason,
                at,
                consent.written(since),
                consent.written(lifted),
                kind,
                timezone.localtime(until).date().isoformat() if until else "",
                note,
            ]

    return exports.stream(header, rows())
