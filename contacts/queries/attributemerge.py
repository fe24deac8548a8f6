"""Values of one attribute that fill the blanks of another."""

from dataclasses import dataclass

from django.db import connection

# What both attributes say, of the contacts of a workspace; `%(key)s` is the one that goes.
COUNTS = """
SELECT count(*),
       count(*) FILTER (WHERE attributes ? %(into)s),
       count(*) FILTER (WHERE attributes ? %(into)s
                          AND attributes -> %(into)s <> attributes -> %(key)s)
  FROM contacts_contact
 WHERE workspace_id = %(workspace)s AND attributes ? %(key)s
"""
CONFLICTS = """
SELECT id, email, attributes -> %(key)s, attributes -> %(into)s
  FROM contacts_contact
 WHERE workspace_id = %(workspace)s AND attributes ? %(key)s AND attributes ? %(into)s
   AND attributes -> %(into)s <> attributes -> %(key)s
 ORDER BY id
 LIMIT %(limit)s
"""
# The old value stays until all are copied, so that segments are true meanwhile.
FILL = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM contacts_contact
     WHERE workspace_id = %(workspace)s AND id > %(after)s AND attributes ? %(key)s
     ORDER BY id LIMIT %(limit)s
), changed AS (
    UPDATE contacts_contact c
       SET attributes = attributes || jsonb_build_object(%(into)s::text, attributes -> %(key)s),
           updated_at = now()
      FROM chosen WHERE c.id = chosen.id AND NOT c.attributes ? %(into)s
    RETURNING 1
)
SELECT (SELECT count(*) FROM chosen), (SELECT max(id) FROM chosen), (SELECT count(*) FROM changed)
"""


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """Contacts with a value of the attribute that goes; those of them with one of the other, too;
    and those whose two values differ."""

    having: int
    both: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contact whose two values differ: that of the attribute that goes, and that of the other."""

    contact_id: int
    email: str
    old: object
    kept: object


@dataclass(frozen=True, slots=True)
class Filled:
    """`seen` contacts up to the id `last`, of which `changed` got the value."""

    seen: int
    last: int
    changed: int


def counts(workspace_id: int, key: str, into: str) -> MergeCounts:
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"workspace": workspace_id, "key": key, "into": into})
        return MergeCounts(*cursor.fetchone())


def conflicts(workspace_id: int, key: str, into: str, *, limit: int) -> list[Conflict]:
    """The first contacts whose values differ."""
    given: dict[str, int | str] = {"workspace": workspace_id, "key": key, "into": into}
    with connection.cursor() as cursor:
        cursor.execute(CONFLICTS, given | {"limit": limit})
        return [Conflict(*row) for row in cursor.fetchall()]


def fill(
    workspace_id: int, key: str, into: str, *, after: int = 0, limit: int | None = None
) -> Filled:
    """The next contacts after the id `after` get the value if they have none of `into`."""
    given: dict[str, int | str] = {"workspace": workspace_id, "key": key, "into": into}
    with connection.cursor() as cursor:
        cursor.execute(FILL, {**given, "after": after, "limit": limit})
        seen, last, changed = cursor.fetchone()
        return Filled(seen, last or after, changed)
