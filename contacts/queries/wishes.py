"""A person's "no" outlives the row that it was said to.

Suppressions stand on addresses and unsubscriptions on contacts. Both lose their person when a
contact's address changes or the contact is deleted: the new address would be mailed, and an import
of the old one would subscribe it again. These functions keep the "no" on both addresses.
"""

from typing import Any

from django.db import connection

from contacts.models import Contact
from contacts.provenance import CONTACT, Source

# What concerns the person goes with them. A hard bounce concerns the old address alone: it is the
# usual reason for changing it. A domain's suppression concerns that domain. The time stays, so that
# "since" is true and the day in which a recipient may take it back does not begin anew.
CARRY = """
INSERT INTO contacts_suppression
    (workspace_id, kind, value, reason, source_kind, source_id, afterwards, carried_from, detail,
     created_by_id, created_at)
SELECT workspace_id, kind, %(new)s, reason, source_kind, source_id, afterwards, %(old)s,
       concat_ws(E'\\n', %(old)s || ' → ' || %(new)s, nullif(detail, '')), created_by_id, created_at
FROM contacts_suppression
WHERE workspace_id = %(workspace)s AND kind = 'address' AND value = %(old)s
  AND lifted_at IS NULL AND reason <> 'hard_bounced'
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL DO NOTHING
"""

# One statement for any number of contacts. Of several lists the one that was left last. `since`:
# what was left before is kept already.
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
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL DO NOTHING
"""

# The source of what is kept: the contact whose address changes; or, of one that is deleted, that of
# its subscription, with what became of it.
GIVEN = "%(source_kind)s, %(source_id)s, ''"
OF_THE_LIST = "s.source_kind, s.source_id, s.afterwards"

# The address comes back to its contact: what was kept for it is with the contact again. What was
# carried from here to the address that is given up was never said there.
TAKE_BACK = """
UPDATE contacts_suppression SET lifted_at = now()
WHERE workspace_id = %(workspace)s AND kind = 'address' AND lifted_at IS NULL
  AND (value = %(new)s AND reason = 'unsubscribed' AND afterwards = ''
       AND source_kind = %(source_kind)s AND source_id = %(source_id)s
       OR value = %(old)s AND carried_from = %(new)s)
RETURNING created_at
"""


def follow(contact: Contact, new: str) -> None:
    """The contact's address is about to become `new` (normalised); its row is locked."""
    given: dict[str, Any] = {
        "workspace": contact.workspace_id,
        "contact": contact.pk,
        "old": contact.email,
        "new": new,
        **Source(CONTACT, contact.pk).columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE_BACK, given)
        kept = max((moment for (moment,) in cursor.fetchall()), default=None)
        cursor.execute(CARRY, given)
        one = "SELECT %(contact)s::bigint AS id"
        cursor.execute(KEEP.format(people=one, source=GIVEN), {**given, "since": kept})


def keep_of_deleted(people: str) -> None:
    """The contacts that this SELECT of ids gives are about to be deleted."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP.format(people=people, source=OF_THE_LIST), {"since": None})
