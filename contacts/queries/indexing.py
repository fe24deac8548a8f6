"""Fills the index of an attribute's values (contacts.valuemodels) with those that contacts have,
and empties it when no segment names the attribute any more.

The triggers keep the values of rows that change once the attribute is marked. The rows from before
are read in batches. A batch locks its contacts, so that none changes meanwhile, and leaves out
those that somebody else has locked: whoever waits while holding locks may make a deadlock. Then the
batch is read again. So each contact is read once when nobody else can change it.
"""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from contacts.models import Attribute

BATCH = 5_000


# A transaction that has written something has its own number locked. Others of the server write to
# other databases; a prepared one has no process.
WRITERS = """
SELECT l.transactionid::text FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'transactionid' AND l.granted AND l.mode = 'ExclusiveLock'
   AND l.pid IS DISTINCT FROM pg_backend_pid() AND (l.pid IS NULL OR a.datname = current_database())
"""


def writers() -> set[str]:
    """The other transactions of this database that have written something and have not ended."""
    with connection.cursor() as cursor:
        cursor.execute(WRITERS)
        return {number for (number,) in cursor.fetchall()}


FILL = """
WITH next_ones AS MATERIALIZED (
    SELECT id FROM contacts_contact
     WHERE workspace_id = %(workspace)s AND id > %(after)s ORDER BY id LIMIT %(batch)s),
locked AS MATERIALIZED (
    SELECT id, attributes FROM contacts_contact WHERE id IN (SELECT id FROM next_ones)
       FOR SHARE SKIP LOCKED),
filled AS (
    INSERT INTO contacts_indexedvalue (contact_id, attribute_id, text, whole, number)
    SELECT c.id, %(attribute)s, v.text, v.whole, v.number
      FROM locked c, contacts_indexed(c.attributes, %(key)s, %(type)s) v
    ON CONFLICT DO NOTHING)
SELECT max(id), (SELECT count(*) FROM locked) = count(*) FROM next_ones
"""


def fill(attribute: Attribute, after: int) -> tuple[int | None, bool]:
    """Indexes the values of the next contacts after this id. Returns the last one's id, or None if
    there are none; and whether none of them was left out."""
    given: dict[str, Any] = {
        "workspace": attribute.workspace_id,
        "attribute": attribute.pk,
        "key": attribute.key,
        "type": attribute.type,
        "after": after,
        "batch": BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(FILL, given)
        last, whole = cursor.fetchone() or (None, True)
        return last, bool(whole)


# Indexed attributes (of one workspace, if one is given) that no condition of a segment names.
UNNAMED = """
SELECT a.id FROM contacts_attribute a
 WHERE a.indexing <> '' AND a.workspace_id = coalesce(%(workspace)s::bigint, a.workspace_id)
   AND NOT EXISTS (
       SELECT FROM contacts_segment s
        WHERE s.workspace_id = a.workspace_id
          AND jsonb_path_exists(s.rule, '$.** ? (@.kind == $kind && @.subject == $key)',
                                jsonb_build_object('kind', %(kind)s::text, 'key', a.key)))
"""
WORKSPACES = f"SELECT DISTINCT workspace_id FROM contacts_attribute WHERE id IN ({UNNAMED})"  # noqa: S608
END = f"""
UPDATE contacts_attribute SET indexing = '', indexed_to = 0, unindexed_at = now()
 WHERE id IN ({UNNAMED}) RETURNING id
"""  # noqa: S608 - only ours
# SKIP LOCKED: whoever deletes contacts locks their rows in another order.
EMPTY = """
DELETE FROM contacts_indexedvalue WHERE (contact_id, attribute_id) IN (
    SELECT contact_id, attribute_id FROM contacts_indexedvalue
     WHERE attribute_id = %(attribute)s LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
"""
# FOR SHARE: nobody marks the attribute anew meanwhile.
FREE = """
SELECT id FROM contacts_attribute
 WHERE indexing = '' AND unindexed_at <= now() - %(grace)s ORDER BY id LIMIT 1 FOR SHARE
"""
DONE = """
UPDATE contacts_attribute SET unindexed_at = NULL
 WHERE id = %(attribute)s
   AND NOT EXISTS (SELECT FROM contacts_indexedvalue WHERE attribute_id = %(attribute)s)
"""


def _ids(statement: str, **given: Any) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return [row[0] for row in cursor.fetchall()]


def workspaces_with_unnamed(kind: str) -> list[int]:
    """Workspaces with indexed attributes that no segment names. `kind`: of conditions about
    attributes."""
    return _ids(WORKSPACES, workspace=None, kind=kind)


def end_unnamed(workspace: int, kind: str) -> list[int]:
    """Ends the indexing of these attributes; their rows stay. Returns their ids."""
    return _ids(END, workspace=workspace, kind=kind)


def empty(attribute: Attribute) -> int:
    """Deletes a batch of the attribute's rows. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(EMPTY, {"attribute": attribute.pk, "batch": BATCH})
        return int(cursor.rowcount)


@transaction.atomic
def delete_of_free(grace: timedelta) -> int | None:
    """Deletes a batch of rows of an attribute that is not indexed for so long. Returns the
    attribute's id, or None if there is none."""
    found = _ids(FREE, grace=grace)
    if not found:
        return None
    given = {"attribute": found[0], "batch": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(EMPTY, given)
        cursor.execute(DONE, given)
    return found[0]
