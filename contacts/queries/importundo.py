"""Takes back an import batch by batch: what it overwrote, its subscriptions, tags and contacts."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from contacts.provenance import IMPORT, Source
from contacts.queries import mailed as mails
from contacts.queries import openconsent, overwritten
from contacts.queries.importing import OURS
from contacts.queries.overwritten import Restored


@dataclass(frozen=True, slots=True)
class Undone:
    """The result for a batch of an import's contacts: how many were seen, the last one's id, and
    how many contacts and subscriptions were removed. `kept`: contacts made by the import that
    stayed; `mailed`: those of them that have a mail; `restored`: of contacts that it updated."""

    seen: int
    last: int
    contacts: int
    subscriptions: int
    kept: int
    mailed: int
    restored: Restored = overwritten.NOTHING


# The highest id there can be.
LAST = (1 << 63) - 1

# Locks the contacts first, in the order of ids, as all deletions do.
IMPORTED = """
WITH batch AS MATERIALIZED (
  SELECT contact_id, outcome FROM contacts_importedcontact
   WHERE import_id = %(import_id)s AND contact_id > %(after)s ORDER BY contact_id LIMIT %(limit)s),
locked AS (
  SELECT c.id FROM contacts_contact c JOIN batch ON c.id = batch.contact_id
   ORDER BY c.id FOR UPDATE OF c)
SELECT count(*), max(contact_id), count(*) FILTER (WHERE outcome = 'new'),
       (SELECT count(*) FROM locked)
  FROM batch
"""
# Separate statements, which see all changes made before the rows were locked.
UNSUBSCRIBE_IMPORTED = f"""
DELETE FROM contacts_subscription s
USING contacts_importedcontact i
WHERE i.import_id = %(import_id)s AND i.contact_id > %(after)s AND i.contact_id <= %(last)s
  AND s.contact_id = i.contact_id AND {OURS} AND s.status = 'subscribed'
"""  # noqa: S608 - a constant of ours
UNTAG_IMPORTED = f"""
DELETE FROM contacts_contacttag t
USING contacts_importedcontact i
WHERE i.import_id = %(import_id)s AND i.contact_id > %(after)s AND i.contact_id <= %(last)s
  AND t.contact_id = i.contact_id AND {OURS}
"""  # noqa: S608 - a constant of ours
DELETE_IMPORTED = """
DELETE FROM contacts_contact c
USING contacts_importedcontact i
WHERE i.import_id = %(import_id)s AND i.contact_id > %(after)s AND i.contact_id <= %(last)s
  AND i.outcome = 'new' AND c.id = i.contact_id AND c.updated_at = c.created_at
  AND NOT EXISTS (SELECT FROM contacts_subscription s WHERE s.contact_id = c.id)
  AND NOT EXISTS (SELECT FROM contacts_contacttag t WHERE t.contact_id = c.id)
  AND NOT EXISTS (SELECT FROM contacts_openconsent o WHERE o.contact_id = c.id)
  AND NOT EXISTS (SELECT FROM contacts_importedcontact other
                  WHERE other.contact_id = c.id AND other.import_id <> %(import_id)s)
  AND NOT {mailed}
"""
# Of the contacts that the import made, those that have a mail.
MAILED = """
SELECT count(*)
  FROM (SELECT contact_id AS id FROM contacts_importedcontact
         WHERE import_id = %(import_id)s AND contact_id > %(after)s AND contact_id <= %(last)s
           AND outcome = 'new' OFFSET 0) c
 WHERE {mailed}
"""


def undo(import_id: int, *, after: int, limit: int) -> Undone:
    """For the import's next contacts after the id `after`: bring back what the import overwrote,
    remove subscriptions that it made and nobody changed since and tags that it added, then contacts
    that it made and that have no other subscription, tag, import or edit, and no mail."""
    known: dict[str, Any] = {
        "import_id": import_id,
        "after": after,
        "limit": limit,
        **Source(IMPORT, import_id).columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(IMPORTED, known)
        seen, last, made, _there = cursor.fetchone() or (0, None, 0, 0)
        if last is None:
            return Undone(0, 0, 0, 0, 0, 0)
        known["last"] = last
        cursor.execute(UNSUBSCRIBE_IMPORTED, known)
        subscriptions = cursor.rowcount
        restored = overwritten.restore(import_id, after=after, last=last)
        cursor.execute(UNTAG_IMPORTED, known)
        openconsent.take_back(import_id, after=after, last=last)
        cursor.execute(DELETE_IMPORTED.replace("{mailed}", mails.condition()), known)
        contacts = cursor.rowcount
    kept = made - contacts
    by_mail = mailed(import_id, after=after, last=last) if kept else 0
    return Undone(seen, last, contacts, subscriptions, kept, by_mail, restored)


def mailed(import_id: int, *, after: int = 0, last: int = LAST) -> int:
    """How many of the contacts that the import made, with ids from `after` (not included) to
    `last`, have a mail: undoing it keeps them."""
    with connection.cursor() as cursor:
        cursor.execute(
            MAILED.replace("{mailed}", mails.condition()),
            {"import_id": import_id, "after": after, "last": last},
        )
        return int(cursor.fetchone()[0])
