"""Fills the index of an attribute's values (contacts.valuemodels) with those that contacts have.

The triggers keep the values of rows that change once the attribute is marked. The rows from before
are read in batches. A batch locks its contacts, so that none changes meanwhile, and leaves out
those that somebody else has locked: whoever waits while holding locks may make a deadlock. Then the
batch is read again. So each contact is read once when nobody else can change it.
"""

from typing import Any

from django.db import connection

from contacts.models import Attribute

BATCH = 5_000


def snapshot() -> tuple[int, int]:
    """(the oldest transaction that is still under way, the first one that has not begun)"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            " FROM pg_current_snapshot() s"
        )
        oldest, following = cursor.fetchone() or (0, 0)
    return int(oldest), int(following)


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
