"""Keeps a person's "no" when the contact's address changes or the contact is deleted.

Suppressions belong to addresses, unsubscriptions to contacts. Without this module the new address
would be mailed, and an import of the old one would subscribe it again. These functions keep the
"no" on both addresses.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from contacts.models import Contact
from contacts.provenance import CONTACT, Source

# Copies suppressions that concern the person to the new address. A hard bounce concerns only the
# old address, and is the usual reason for the change; so do soft bounces. A domain's suppression
# concerns the domain.
# `back_at`: the person opted in at the new address then, so that an older unsubscription is over.
# The time stays, so that "since" is true and the day in which a recipient may undo it does not
# begin again.
CARRY = """
INSERT INTO contacts_suppression
    (workspace_id, kind, value, reason, source_kind, source_id, afterwards, carried_from, detail,
     note, message_id, until, created_by_id, created_at)
SELECT workspace_id, kind, %(new)s, reason, source_kind, source_id, afterwards, %(old)s,
       concat_ws(E'\\n', %(old)s || ' → ' || %(new)s, nullif(detail, '')), note, message_id, until,
       created_by_id, created_at
FROM contacts_suppression
WHERE workspace_id = %(workspace)s AND kind = 'address' AND value = %(old)s
  AND lifted_at IS NULL AND (until IS NULL OR until > now())
  AND reason NOT IN ('hard_bounced', 'soft_bounced')
  AND NOT (reason = 'unsubscribed' AND afterwards = ''
           AND created_at < coalesce(%(back_at)s::timestamptz, '-infinity'))
ON CONFLICT DO NOTHING
"""

# One statement for any number of contacts. Of several lists, the one that was left last. `since`:
# lists left before that are kept already.
KEEP = """
INSERT INTO contacts_suppression
    (workspace_id, kind, value, reason, source_kind, source_id, afterwards, detail, created_at)
SELECT DISTINCT ON (c.workspace_id, c.email)
       c.workspace_id, 'address', c.email, 'unsubscribed', {source}, l.name, s.changed_at
FROM ({people}) going
JOIN contacts_contact c ON c.id = going.id
JOIN contacts_subscription s ON s.contact_id = c.id AND s.status = 'unsubscribed'
                            AND s.changed_at > coalesce(%(since)s::timestamptz, '-infinity')
JOIN contacts_list l ON l.id = s.list_id
ORDER BY c.workspace_id, c.email, s.changed_at DESC
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL AND until IS NULL DO NOTHING
"""

# The source of the kept suppression: the contact whose address changes, or, for a deleted contact,
# the source of its subscription with `afterwards`.
GIVEN = "%(source_kind)s, %(source_id)s, ''"
OF_THE_LIST = "s.source_kind, s.source_id, s.afterwards"

# A contact gets a former address back. The suppression kept for that address is lifted, because the
# contact's rows say it again; and so is the one that was copied from it to the address given up.
TAKE_BACK = """
UPDATE contacts_suppression SET lifted_at = now()
WHERE workspace_id = %(workspace)s AND kind = 'address' AND lifted_at IS NULL
  AND (value = %(new)s AND reason = 'unsubscribed' AND afterwards = ''
       AND source_kind = %(source_kind)s AND source_id = %(source_id)s
       OR value = %(old)s AND carried_from = %(new)s)
RETURNING created_at
"""


def follow(contact: Contact, new: str) -> None:
    """Call before the contact's address becomes `new` (normalised), with its row locked."""
    given: dict[str, Any] = {
        "workspace": contact.workspace_id,
        "contact": contact.pk,
        "old": contact.email,
        "new": new,
        "back_at": None,
        **Source(CONTACT, contact.pk).columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE_BACK, given)
        kept = max((moment for (moment,) in cursor.fetchall()), default=None)
        cursor.execute(CARRY, given)
        one = "SELECT %(contact)s::bigint AS id"
        cursor.execute(KEEP.format(people=one, source=GIVEN), {**given, "since": kept})


def keep_of_deleted(people: str) -> None:
    """Call before the contacts are deleted. `people`: a SELECT of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP.format(people=people, source=OF_THE_LIST), {"since": None})


def join(kept: Contact, other: Contact, *, back_at: datetime | None) -> None:
    """Call before `other` becomes a part of `kept`, with both rows locked. What suppresses the
    person at one address suppresses the other one, too; what concerns only an address, such as a
    hard bounce, stays with it. An unsubscription from before `back_at` stays with the other
    address."""
    of_other: dict[str, Any] = {
        "workspace": other.workspace_id,
        "old": other.email,
        "new": kept.email,
        "back_at": back_at,
    }
    of_kept: dict[str, Any] = {
        "workspace": kept.workspace_id,
        "old": kept.email,
        "new": other.email,
        "back_at": None,
    }
    kept_for: dict[str, Any] = {
        "contact": other.pk,
        "since": None,
        **Source(CONTACT, kept.pk).columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(CARRY, of_other)
        cursor.execute(CARRY, of_kept)
        one = "SELECT %(contact)s::bigint AS id"
        cursor.execute(KEEP.format(people=one, source=GIVEN), kept_for)
