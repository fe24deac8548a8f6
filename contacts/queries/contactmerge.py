"""Gives a contact the lists, tags and imports of another one."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.models import Contact
from contacts.queries import formeraddresses, wishes

# A refusal to have opens counted is stronger than a consent, and fewer mails than more.
ANSWERS = (
    """
INSERT INTO contacts_openconsent AS k (contact_id, given, at)
SELECT %(kept)s, given, at FROM contacts_openconsent WHERE contact_id = %(other)s
ON CONFLICT (contact_id) DO UPDATE SET given = false, at = excluded.at
 WHERE k.given AND NOT excluded.given
""",
    "UPDATE contacts_openconsentanswer SET contact_id = %(kept)s WHERE contact_id = %(other)s",
    """
INSERT INTO contacts_mailfrequency AS k (contact_id, workspace_id, most)
SELECT %(kept)s, workspace_id, most FROM contacts_mailfrequency WHERE contact_id = %(other)s
ON CONFLICT (contact_id) DO UPDATE SET most = 'month' WHERE 'month' IN (k.most, excluded.most)
""",
    """
DELETE FROM contacts_preferencechoice o USING contacts_preferencechoice k
 WHERE o.contact_id = %(other)s AND o.kind = 'because' AND k.contact_id = %(kept)s
   AND k.kind = 'because' AND k.source_kind = o.source_kind AND k.source_id = o.source_id
""",
    "UPDATE contacts_preferencechoice SET contact_id = %(kept)s WHERE contact_id = %(other)s",
)
# Who left a list stays off it, whatever the other contact is, unless the person came back later
# (`back`: lists, found by contacts.services.contactmerge.came_back). Of two that are equal, the one
# with a known consent counts.
LISTS = """
UPDATE contacts_subscription k
   SET status = o.status, consent = o.consent, source_kind = o.source_kind,
       source_id = o.source_id, afterwards = o.afterwards, changed_at = o.changed_at
  FROM contacts_subscription o
 WHERE o.contact_id = %(other)s AND k.contact_id = %(kept)s AND o.list_id = k.list_id
   AND (o.status = 'unsubscribed' AND k.status = 'subscribed' AND k.list_id <> ALL(%(back)s)
        OR o.status = 'subscribed' AND k.status = 'unsubscribed' AND k.list_id = ANY(%(back)s)
        OR o.status = k.status AND k.consent = 'unknown' AND o.consent <> 'unknown')
"""
STATEMENTS = (
    LISTS,
    """
DELETE FROM contacts_subscription o USING contacts_subscription k
 WHERE o.contact_id = %(other)s AND k.contact_id = %(kept)s AND o.list_id = k.list_id
""",
    "UPDATE contacts_subscription SET contact_id = %(kept)s WHERE contact_id = %(other)s",
    """
INSERT INTO contacts_contacttag (tag_id, contact_id, source_kind, source_id, created_at)
SELECT tag_id, %(kept)s, source_kind, source_id, created_at
  FROM contacts_contacttag WHERE contact_id = %(other)s
ON CONFLICT DO NOTHING
""",
    # The undo of an import must not bring back values of the other contact.
    """
UPDATE contacts_importedcontact i SET contact_id = %(kept)s, overwritten = NULL
 WHERE contact_id = %(other)s
   AND NOT EXISTS (SELECT FROM contacts_importedcontact k
                    WHERE k.import_id = i.import_id AND k.contact_id = %(kept)s)
""",
)
DELETE = (
    "DELETE FROM contacts_openconsent WHERE contact_id = %(other)s",
    "DELETE FROM contacts_mailfrequency WHERE contact_id = %(other)s",
    # A link that was sent for the other contact must not change the address of this one.
    "DELETE FROM contacts_addresschange WHERE contact_id = %(other)s",
    "DELETE FROM contacts_contacttag WHERE contact_id = %(other)s",
    "DELETE FROM contacts_importedcontact WHERE contact_id = %(other)s",
    "DELETE FROM contacts_contact WHERE id = %(other)s",
)


def join(kept: Contact, other: Contact, *, back: Collection[int], back_at: datetime | None) -> None:
    """Everything of `other` but its values is then of `kept`, and `other` is deleted. The caller
    has locked both. `back`: lists that one of both left, and the other came back to later;
    `back_at`: when `kept` last opted in (contacts.contactmerge.OwnOptIn)."""
    given: dict[str, Any] = {"kept": kept.pk, "other": other.pk, "back": list(back)}
    # First, while the subscriptions of `other` are its own.
    wishes.join(kept, other, back_at=back_at)
    formeraddresses.join(kept, other)
    with connection.cursor() as cursor:
        for statement in (*STATEMENTS, *ANSWERS, *DELETE):
            cursor.execute(statement, given)
