"""The values that an import overwrote, in ImportedContact.overwritten, and bringing them back.

{"first_name": [before, written], "last_name": ..., "full_name": ...,
 "attributes": {key: [before, written]}, "list": [list, source_kind, source_id, changed_at]}

Only changed values are in it; null: the attribute had no value. "list": the subscription that the
import ended, as it was before. The statement that overwrites the values stores them
(contacts.queries.importing). After the undo only {"stayed": {...}} is left, with the values that
somebody had changed since.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from contacts.models import Contact, Import, ImportedContact
from contacts.provenance import IMPORT, Source

NAMES = ("first_name", "last_name", "full_name")
# The import's rows of a batch.
BATCH = """
i.import_id = %(import_id)s AND i.contact_id > %(after)s AND i.contact_id <= %(last)s
"""

# For columns `b` of a contact as it was, and `b.new_...` as the import writes them.
_NAME = "CASE WHEN b.{0} <> b.new_{0} THEN jsonb_build_array(b.{0}, b.new_{0}) END"
CHANGED = f"""
jsonb_strip_nulls(jsonb_build_object(
    {", ".join(f"'{name}', {_NAME.format(name)}" for name in NAMES)},
    'attributes', (
        SELECT jsonb_object_agg(
            key, jsonb_build_array(b.attributes -> key, b.new_attributes -> key))
        FROM jsonb_object_keys(b.attributes || b.new_attributes) key
        WHERE b.attributes -> key IS DISTINCT FROM b.new_attributes -> key)))
"""  # noqa: S608 - constants of ours

# A subscription comes back unless the row was changed since, the person said "no" again
# (`afterwards`), or a later import had the person: its file may have said so, too.
RESUBSCRIBE = f"""
UPDATE contacts_subscription s
SET status = 'subscribed', source_kind = i.overwritten #>> '{{list,1}}',
    source_id = (i.overwritten #>> '{{list,2}}')::bigint,
    changed_at = (i.overwritten #>> '{{list,3}}')::timestamptz
FROM contacts_importedcontact i
WHERE {BATCH} AND i.overwritten ? 'list'
  AND s.contact_id = i.contact_id AND s.list_id = (i.overwritten #>> '{{list,0}}')::bigint
  AND s.status = 'unsubscribed' AND s.afterwards = ''
  AND s.source_kind = %(source_kind)s AND s.source_id = %(source_id)s
  AND NOT EXISTS (SELECT FROM contacts_importedcontact later
                  WHERE later.contact_id = s.contact_id AND later.import_id > %(import_id)s)
"""  # noqa: S608 - constants of ours

_BACK = "CASE WHEN o #>> '{{{0},1}}' = {0} THEN o #>> '{{{0},0}}' ELSE {0} END AS back_{0}"
_STAYED = "'{0}', CASE WHEN o #>> '{{{0},1}}' <> {0} THEN o -> '{0}' END"
# A value comes back if it is still the one that the import wrote.
RESTORE = f"""
WITH given AS (
    SELECT i.contact_id, i.overwritten AS o, c.attributes,
           {", ".join(f"c.{name}" for name in NAMES)}
    FROM contacts_importedcontact i JOIN contacts_contact c ON c.id = i.contact_id
    WHERE {BATCH} AND i.overwritten IS NOT NULL
), decided AS MATERIALIZED (
    SELECT given.*, {", ".join(_BACK.format(name) for name in NAMES)},
           (attributes - coalesce(a.added, '{{}}')) || coalesce(a.back, '{{}}') AS back_attributes,
           jsonb_strip_nulls(jsonb_build_object(
               {", ".join(_STAYED.format(name) for name in NAMES)},
               'attributes', a.stayed)) AS stayed
    FROM given LEFT JOIN LATERAL (
        SELECT array_agg(key) FILTER (WHERE same AND value -> 0 = 'null') AS added,
               jsonb_object_agg(key, value -> 0)
                   FILTER (WHERE same AND value -> 0 <> 'null') AS back,
               jsonb_object_agg(key, value) FILTER (WHERE NOT same) AS stayed
        FROM (SELECT key, value, coalesce(attributes -> key, 'null') = value -> 1 AS same
              FROM jsonb_each(o -> 'attributes')) each
    ) a ON true
), restored AS (
    UPDATE contacts_contact c
    SET first_name = back_first_name, last_name = back_last_name, full_name = back_full_name,
        attributes = back_attributes, updated_at = now()
    FROM decided d
    WHERE c.id = d.contact_id
      AND (d.first_name, d.last_name, d.full_name, d.attributes) IS DISTINCT FROM
          (back_first_name, back_last_name, back_full_name, back_attributes)
    RETURNING c.id
), marked AS (
    UPDATE contacts_importedcontact i
    SET overwritten = CASE WHEN stayed <> '{{}}' THEN jsonb_build_object('stayed', stayed) END
    FROM decided d
    WHERE {BATCH} AND i.contact_id = d.contact_id
)
SELECT (SELECT count(*) FROM restored), count(*) FILTER (WHERE stayed <> '{{}}') FROM decided
"""  # noqa: S608 - constants of ours


@dataclass(frozen=True, slots=True)
class Restored:
    """Numbers of people: those with a value that came back, those with a value that stayed because
    it was changed since, and those who are subscribed again."""

    people: int
    stayed: int
    subscribed: int


NOTHING = Restored(0, 0, 0)


def restore(import_id: int, *, after: int, last: int) -> Restored:
    """Bring back what the import overwrote in contacts with ids from `after` (not included) to
    `last`. The caller has locked the contacts."""
    known: dict[str, Any] = {
        "import_id": import_id,
        "after": after,
        "last": last,
        **Source(IMPORT, import_id).columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(RESUBSCRIBE, known)
        subscribed = cursor.rowcount
        cursor.execute(RESTORE, known)
        people, stayed = cursor.fetchone()
    return Restored(people, stayed, subscribed)


@dataclass(frozen=True, slots=True)
class Coming:
    """What an undo would do now: subscriptions that it would remove, and people whom it would
    subscribe again."""

    removed: int
    subscribed: int


def coming(import_id: int) -> Coming:
    """Counted row by row: only for imports of a moderate size."""
    known = {"import_id": import_id, **Source(IMPORT, import_id).columns}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE s.status = 'subscribed'),
                   count(*) FILTER (WHERE s.status = 'unsubscribed' AND s.afterwards = ''
                                      AND i.overwritten ? 'list')
            FROM contacts_importedcontact i JOIN contacts_subscription s USING (contact_id)
            WHERE i.import_id = %(import_id)s
              AND s.source_kind = %(source_kind)s AND s.source_id = %(source_id)s
            """,
            known,
        )
        return Coming(*cursor.fetchone())


def _stayed(import_: Import) -> QuerySet[ImportedContact]:
    return ImportedContact.objects.filter(of_import=import_, overwritten__has_key="stayed")


def people_stayed(import_: Import) -> QuerySet[Contact]:
    """After an undo: the contacts with values that were changed since the import, and stayed."""
    rows = _stayed(import_).filter(contact_id=OuterRef("pk"))
    return Contact.objects.filter(Exists(rows), workspace=import_.workspace_id)


def made_by(import_: Import) -> QuerySet[Contact]:
    """The contacts that the import made and that are still there."""
    rows = ImportedContact.objects.filter(
        of_import=import_, outcome="new", contact_id=OuterRef("pk")
    )
    return Contact.objects.filter(Exists(rows), workspace=import_.workspace_id)


def stayed(import_: Import) -> int:
    """How many these are."""
    return people_stayed(import_).count()


def stayed_of(import_: Import, people: Sequence[Contact]) -> dict[int, dict[str, Any]]:
    """{contact: its values that stayed, as of `overwritten`}"""
    rows = _stayed(import_).filter(contact_id__in=[person.pk for person in people])
    return {row.contact_id: (row.overwritten or {})["stayed"] for row in rows}
