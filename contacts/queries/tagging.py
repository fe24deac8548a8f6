"""Tags of contacts in sets: adding, moving to another tag, and counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from contacts.models import Contact, ContactTag, Tag
from contacts.provenance import Source
from pages import statements

# The tag is locked, so that nobody deletes it before the commit; if it is gone, nothing happens.
ADD = """
INSERT INTO contacts_contacttag (tag_id, contact_id, source_kind, source_id, created_at)
SELECT tag.id, person.id, %s, %s, now()
FROM (SELECT id FROM contacts_tag WHERE id = %s FOR KEY SHARE) tag CROSS JOIN ({people}) person
ON CONFLICT (tag_id, contact_id) DO NOTHING
"""
# Takes the tag from its next contacts, by the primary key, and gives them another one. When and
# from where stays as it was.
TAKE = """
WITH batch AS MATERIALIZED (
    SELECT contact_id FROM contacts_contacttag
    WHERE tag_id = %(tag)s AND contact_id > %(after)s ORDER BY contact_id LIMIT %(limit)s
), gone AS (
    DELETE FROM contacts_contacttag c USING batch
    WHERE c.tag_id = %(tag)s AND c.contact_id = batch.contact_id
    RETURNING c.contact_id, c.source_kind, c.source_id, c.created_at
), given AS (
    INSERT INTO contacts_contacttag (tag_id, contact_id, source_kind, source_id, created_at)
    SELECT %(into)s::bigint, contact_id, source_kind, source_id, created_at FROM gone
    WHERE %(into)s::bigint IS NOT NULL ORDER BY contact_id
    ON CONFLICT (tag_id, contact_id) DO NOTHING
)
SELECT count(*), max(contact_id) FROM batch
"""
# Counted up to a bound, by the primary key alone: a page of tags may have millions of contacts.
COUNTS = """
SELECT tag.id, (SELECT count(*) FROM (
           SELECT FROM contacts_contacttag WHERE tag_id = tag.id LIMIT %(most)s) counted)
FROM unnest(%(tags)s::bigint[]) tag (id)
"""
# The planner's statistics of the most frequent tags.
ESTIMATES = """
SELECT value.tag, (value.share * heap.reltuples)::bigint
FROM pg_class heap
JOIN pg_stats s ON s.schemaname = heap.relnamespace::regnamespace::text
               AND s.tablename = heap.relname
CROSS JOIN LATERAL unnest(s.most_common_vals::text::bigint[], s.most_common_freqs)
    AS value (tag, share)
WHERE heap.oid = 'contacts_contacttag'::regclass AND s.attname = 'tag_id'
  AND value.tag = ANY(%(tags)s)
"""
# As on the page of contacts (pages.tables.COUNT_UP_TO).
COUNT_UP_TO = 10_000


def add(tag: Tag, people: QuerySet[Contact], *, source: Source) -> int:
    """Returns how many did not have it."""
    theirs = people.filter(workspace_id=tag.workspace_id)
    ids, parameters = statements.sql_of(theirs.order_by("pk").values("id"))
    with connection.cursor() as cursor:
        # The query is made by Django; its values are parameters.
        statement = ADD.replace("{people}", ids)
        cursor.execute(statement, [source.kind, source.number, tag.pk, *parameters])
        return int(cursor.rowcount)


@dataclass(frozen=True, slots=True)
class Taken:
    """How many contacts had the tag, and the last one's id (0 for none)."""

    contacts: int
    last: int


def take(tag: int, *, into: int | None, after: int = 0, limit: int | None = None) -> Taken:
    """Take the tag from its next contacts after the id `after`, and give them the tag `into`. Both
    tags must be locked by the caller, or be there for certain."""
    given: dict[str, Any] = {"tag": tag, "into": into, "after": after, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(TAKE, given)
        contacts, last = cursor.fetchone()
        return Taken(contacts, last or 0)


def with_both(tag: Tag, other: Tag) -> int:
    """How many contacts have both tags."""
    theirs = ContactTag.objects.filter(tag=other).values("contact_id")
    return ContactTag.objects.filter(tag=tag, contact_id__in=theirs).count()


@dataclass(frozen=True, slots=True)
class TagCount:
    contacts: int
    exact: bool


def counts(tags: Sequence[int]) -> dict[int, TagCount]:
    """{tag: how many contacts have it}: exact up to COUNT_UP_TO, else about how many."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"tags": list(tags), "most": COUNT_UP_TO + 1})
        found = dict(cursor.fetchall())
        many = [tag for tag, contacts in found.items() if contacts > COUNT_UP_TO]
        about: dict[int, int] = {}
        if many:
            cursor.execute(ESTIMATES, {"tags": many})
            about = dict(cursor.fetchall())
    return {
        tag: TagCount(max(contacts, about.get(tag, 0)), contacts <= COUNT_UP_TO)
        for tag, contacts in found.items()
    }
