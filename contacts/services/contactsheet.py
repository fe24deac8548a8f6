"""The export of contacts: their fields, consent status, and last mails. And the export of
suppressions, which may be of addresses and domains without a contact."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts import consent, csvdetect, exports, sources, tagnames
from contacts.models import Attribute, Contact, List, Suppression
from contacts.queries import consent as query

# Columns that every export has: the address, three names, the status columns, the tags, and the
# time of creation.
PLAIN = 4 + len(exports.STATUS) + 2


def stream(
    workspace: Workspace, people: QuerySet[Contact], *, list_id: int | None = None
) -> Iterator[bytes]:
    """The CSV in pieces. With `list_id` the status is that of this list. Texts in the reader's
    language are looked up at once: the stream is read after the request."""
    attributes = list(Attribute.objects.filter(workspace=workspace))
    lists = dict(
        List.objects.filter(workspace=workspace).order_by("name").values_list("pk", "name")
    )
    wording = _wording(lists)
    keys = [attribute.key for attribute in attributes]
    places_of = _columns_of_lists(lists, others=len(attributes) + len(query.engagement_names()))
    header = [
        *(_("E-mail address"), _("First name"), _("Last name"), _("Full name")),
        *(attribute.label for attribute in attributes),
        *exports.STATUS,
        exports.TAGS,
        *places_of.names,
        *query.engagement_names(),
        exports.ADDED,
    ]

    def rows() -> Iterator[list[Any]]:
        for person in query.people(people, workspace.pk):
            stands = consent.status_of(person.stops, person.places, wording, list_id=list_id)
            yield [
                *person[:4],
                *(person.attributes.get(key) for key in keys),
                *(stands.status, stands.reason),
                *(consent.written(stands.at), consent.written(stands.suppressed_at)),
                tagnames.written(person.tags),
                *places_of.cells(person.places),
                *map(consent.written, person.engagement),
                consent.written(person.created_at),
            ]

    return exports.stream(header, rows())


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
