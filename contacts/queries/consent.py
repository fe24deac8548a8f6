"""Contacts with their consent and their suppressions, for the export: one statement, read with a
server-side cursor, so that a million people take no more memory than a few thousand."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.functional import Promise

from contacts.consent import Place, Stop
from contacts.models import Contact
from contacts.provenance import Source
from contacts.queries import fullnames, ways
from contacts.suppressionmodels import Suppression
from pages import statements
from pages.registry import Registry

AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Engagement:
    """Columns of another app, all of them moments: their names in the file, and a subquery about
    the contact `c` that returns one row with them."""

    names: tuple[str, ...]
    sql: str
    # Their names on pages.
    labels: tuple[str | Promise, ...]


# Apps register in `<app>/queries/engagement.py`.
engagement: Registry[Engagement] = Registry()


def engagement_names() -> list[str]:
    return [name for one in engagement for name in one.names]


def engagement_labels() -> list[tuple[str, str | Promise]]:
    """[(name in the file, name on pages)]"""
    return [pair for one in engagement for pair in zip(one.names, one.labels, strict=True)]


class ExportedPerson(NamedTuple):
    email: str
    first_name: str
    last_name: str
    full_name: str
    attributes: dict[str, Any]
    created_at: datetime
    stops: list[Stop]
    places: list[Place]
    # Names, in their order on pages.
    tags: list[str]
    engagement: list[Any]


# Each subquery is about one contact and uses an index that begins with it, so that the first rows
# come at once and nothing is sorted or stored: the download sets the pace.
EXPORT = """
SELECT c.email, c.first_name, c.last_name, {full_name}, c.attributes::text, c.created_at,
       by_address.reason, by_address.source_kind, by_address.source_id, by_address.afterwards,
       by_address.detail, by_address.created_at,
       by_domain.reason, by_domain.source_kind, by_domain.source_id, by_domain.afterwards,
       by_domain.detail, by_domain.created_at, by_domain.value, on_lists.places,
       tagged.names, array_remove(ARRAY[{rare}]::bigint[], NULL){columns}
  FROM contacts_contact c
{stops}
  LEFT JOIN LATERAL (
       SELECT array_agg(ARRAY[list_id::text, status, consent, source_kind, source_id::text,
                              afterwards, extract(epoch FROM changed_at)::text]
                        ORDER BY list_id) AS places
         FROM contacts_subscription WHERE contact_id = c.id) on_lists ON true
  LEFT JOIN LATERAL (
       SELECT array_agg(tag.name ORDER BY tag.key) AS names
         FROM contacts_contacttag JOIN contacts_tag tag ON tag.id = tag_id
        WHERE contact_id = c.id) tagged ON true
{joins}
 WHERE c.id IN ({people})
 ORDER BY c.id
"""


def people(found: QuerySet[Contact], workspace_id: int) -> Iterator[ExportedPerson]:
    """These contacts of the workspace, in the order of their ids.

    In a transaction, because a cursor WITH HOLD would first store the whole result on disk.
    """
    ids, parameters = statements.sql_of(found.order_by().values("pk"))
    columns, joins = engagement_columns(), engagement_joins()
    used = ways.of(workspace_id)
    workspace = str(int(workspace_id))
    sql = EXPORT.format(
        stops=used.joins("c.email", workspace=workspace, keys=("%s", "%s")),
        full_name=fullnames.of("c"),
        rare=", ".join(f"{way.name}.id" for way in used.rare),
        people=ids,
        columns=columns,
        joins=joins,
    )
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, [*used.blocks, *parameters])
        while rows := cursor.fetchmany(AT_ONCE):
            rare = Suppression.objects.in_bulk({pk for row in rows for pk in row[21]})
            yield from (_person(row, [rare[pk] for pk in row[21] if pk in rare]) for row in rows)


def engagement_expressions() -> list[str]:
    """The columns of `engagement_joins`, in the order of `engagement_names`."""
    return [f"extra{number}.{name}" for number, one in enumerate(engagement) for name in one.names]


def engagement_columns() -> str:
    """The same, each after a comma."""
    return "".join(f", {column}" for column in engagement_expressions())


def engagement_joins() -> str:
    return "\n".join(
        f"  LEFT JOIN LATERAL ({one.sql}) extra{number} ON true"
        for number, one in enumerate(engagement)
    )


def engagement_of(ids: Sequence[int]) -> dict[int, list[Any]]:
    """{contact: its values in the order of `engagement_labels`}, for the contacts of a page."""
    columns, joins = engagement_columns(), engagement_joins()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id{columns} FROM contacts_contact c\n{joins} WHERE c.id = ANY(%s)",  # noqa: S608 - only ours
            [list(ids)],
        )
        return {pk: list(values) for pk, *values in cursor.fetchall()}


def _person(row: Sequence[Any], rare: Sequence[Suppression]) -> ExportedPerson:
    email, first, last, full, attributes, created = row[:6]
    stops = [stop(*cells) for cells in (row[6:12], row[12:19]) if cells[0]]
    stops += [stop_of(one) for one in rare]
    places = [_place(*cells) for cells in row[19] or ()]
    known, tags = json.loads(attributes), row[20] or []
    return ExportedPerson(
        email, first, last, full, known, created, stops, places, tags, list(row[22:])
    )


# The columns of a suppression that `stop` takes.
STOP = ("reason", "source_kind", "source_id", "afterwards", "detail", "created_at")


def stop(reason: str, kind: str, number: int, *others: Any) -> Stop:
    return Stop(reason, Source(kind, number), *others)


def stop_of(one: Suppression) -> Stop:
    return stop_of_columns(one.kind, one.value, *(getattr(one, name) for name in STOP))


def stop_of_columns(kind: str, value: str, *columns: Any) -> Stop:
    """`columns`: those of STOP."""
    stops = stop(*columns)
    of_one = kind in {Suppression.Kind.ADDRESS, Suppression.Kind.ERASED}
    return stops if of_one else stops._replace(domain=value)


def _place(list_id: str, status: str, consent: str, *others: str) -> Place:
    kind, number, afterwards, epoch = others
    changed = datetime.fromtimestamp(float(epoch), UTC)
    return Place(int(list_id), status, consent, Source(kind, int(number)), afterwards, changed)
