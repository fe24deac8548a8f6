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
from contacts.consentcells import ConsentCells
from contacts.models import Attribute, Contact, List, Suppression
from contacts.queries import consent as query
from contacts.queries import exporttexts
from contacts.queries.exporttexts import Text

# Columns that every export has: the address, three names, the status columns, the tags, and the
# time of creation.
PLAIN = 4 + len(exports.STATUS) + 2


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of the file that belong together, and their cells for one contact. `keys`: the
    columns of the table (contacts.peoplecolumns) that stand for them. `texts`: how PostgreSQL
    writes them as CSV; () if Python does (contacts.consentcells)."""

    names: tuple[str, ...]
    cells: Callable[[query.ExportedPerson], Sequence[Any]]
    keys: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()


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
    parts = _asked(workspace, list_id, columns).parts

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
    """The same as CSV, in pieces. PostgreSQL writes most of the cells, so that the process does
    little, whatever else it does at that time."""
    asked = _asked(workspace, list_id, columns)
    header = [name for part in asked.parts for name in part.names]
    if len(asked.parts) > MOST_TEXTS:
        made = sheet(workspace, people, list_id=list_id, columns=columns)
        return exports.stream(header, (list(map(_written, row)) for row in made.rows))
    runs, order = _runs(asked.parts)
    of_consent, ordered = asked.of_consent.of, itemgetter(*order)

    def lines(piece: exporttexts.Piece) -> Iterator[str]:
        for ids, facts, moments, tags, *texts in piece.rows:
            stops = [piece.stops[pk] for pk in ids if pk in piece.stops] if ids else ()
            tagged = exports.line((tagnames.written(tags),)) if tags else ""
            parts = (tagged, *of_consent(stops, facts or "", moments or ""), *texts)
            yield ",".join(ordered(parts))

    found = exporttexts.pieces(people, workspace.pk, runs)
    return exports.stream_lines(header, map(lines, found))


def _written(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return consent.written(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


# PostgreSQL writes rows of at most 1,664 columns. With more, Python writes all cells.
MOST_TEXTS = 1_000
# The parts of a line that Python writes, by their columns in the table; then come the runs.
OWN: dict[tuple[str, ...], int] = {("tags",): 0, ("status",): 1, ("lists",): 2}


def _runs(parts: Sequence[_Part]) -> tuple[list[list[Text]], list[int]]:
    """Runs of adjacent cells that PostgreSQL writes, and the order of all parts of a line."""
    runs: list[list[Text]] = []
    order: list[int] = []
    for part in parts:
        if not part.texts:
            order += [OWN[part.keys]] if part.names else []
        elif order and order[-1] >= len(OWN):
            runs[-1] += part.texts
        else:
            order.append(len(OWN) + len(runs))
            runs.append([*part.texts])
    return runs, order


@dataclass(frozen=True, slots=True)
class _Asked:
    """The columns of an export in their order, and the cells that Python writes."""

    parts: Sequence[_Part]
    of_consent: ConsentCells


def _asked(workspace: Workspace, list_id: int | None, columns: Sequence[str] | None) -> _Asked:
    attributes = list(Attribute.objects.filter(workspace=workspace))
    own = List.objects.filter(workspace=workspace).order_by("name")
    lists = dict(own.values_list("pk", "name"))
    wording, labels = _wording(lists), query.engagement_names()
    joined = PLAIN + len(attributes) + len(labels) + len(lists) > csvdetect.MAX_COLUMNS
    places_of = _columns_of_lists(lists, joined=joined)

    parts = [
        _plain(0, _("E-mail address"), "email", ("",)),
        _plain(1, _("First name"), "first_name", ("name", "first_name")),
        _plain(2, _("Last name"), "last_name", ("name", "last_name")),
        _Part((_("Full name"),), itemgetter(slice(3, 4)), ("name",), (exporttexts.full_name(),)),
        *(_attribute(one, number) for number, one in enumerate(attributes)),
        _status(wording, list_id),
        _Part((exports.TAGS,), lambda person: (tagnames.written(person.tags),), ("tags",)),
        _Part(tuple(places_of.names), lambda person: places_of.cells(person.places), ("lists",)),
        *(_engagement(number, name) for number, name in enumerate(labels)),
        _added(),
    ]
    if columns is not None:
        parts = _chosen(parts, columns)
    return _Asked(parts, ConsentCells(wording, lists, list_id=list_id, joined=joined))


def _status(wording: consent.Wording, list_id: int | None) -> _Part:
    def cells(person: query.ExportedPerson) -> Sequence[Any]:
        stands = consent.status_of(person.stops, person.places, wording, list_id=list_id)
        return stands.status, stands.reason, stands.at, stands.suppressed_at

    return _Part(exports.STATUS, cells, ("status",))


def _added() -> _Part:
    text = exporttexts.moment("c.created_at")
    return _Part((exports.ADDED,), lambda person: (person.created_at,), ("added",), (text,))


def _plain(number: int, name: str, column: str, keys: tuple[str, ...]) -> _Part:
    cells = itemgetter(slice(number, number + 1))
    return _Part((name,), cells, keys, (exporttexts.column(column),))


def _attribute(attribute: Attribute, number: int) -> _Part:
    is_date = attribute.type == Attribute.Type.DATE

    def cells(person: query.ExportedPerson) -> Sequence[Any]:
        value = person.attributes.get(attribute.key)
        return (attributevalues.written(_date(value) if is_date else value),)

    keys = (peoplecolumns.OF_ATTRIBUTE + attribute.key,)
    return _Part((attribute.label,), cells, keys, (exporttexts.attribute(attribute.key, number),))


def _date(value: Any) -> Any:
    """The stored text as a date; anything else as it is, also a date in another form."""
    with suppress(ValueError, TypeError):
        day = date.fromisoformat(value)
        return day if day.isoformat() == value else value
    return value


def _engagement(number: int, name: str) -> _Part:
    text = exporttexts.moment(query.engagement_expressions()[number])
    return _Part((name,), lambda person: (person.engagement[number],), (name,), (text,))


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


def _columns_of_lists(lists: dict[int, str], *, joined: bool) -> _Columns:
    """A column for each list; one for all lists (`joined`) if an import could not read so many
    columns."""

    def each(places: Sequence[consent.Place]) -> list[str | None]:
        cells = {place.list_id: place.cell() for place in places}
        return [cells.get(pk) for pk in lists]

    def together(places: Sequence[consent.Place]) -> list[str | None]:
        named = sorted((lists[place.list_id], place.cell()) for place in places)
        return [exports.lists_cell(named)]

    if joined:
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
