"""Deletes the subscriptions of a list in batches, and keeps what they say of people's wishes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

# Whoever left this list and is on no other wants no mail: the suppression says so after the list is
# gone. Whoever is still on another list left only this one. Source and time stay.
KEEP = """
INSERT INTO contacts_suppression
    (workspace_id, kind, value, reason, source_kind, source_id, afterwards, detail, created_at)
SELECT c.workspace_id, 'address', c.email, 'unsubscribed', s.source_kind, s.source_id, s.afterwards,
       l.name, s.changed_at
  FROM contacts_subscription s
  JOIN contacts_contact c ON c.id = s.contact_id
  JOIN contacts_list l ON l.id = s.list_id
 WHERE s.list_id = %(list)s AND s.contact_id = ANY(%(contacts)s) AND s.status = 'unsubscribed'
   AND NOT EXISTS (SELECT FROM contacts_subscription other
                    WHERE other.contact_id = s.contact_id AND other.list_id <> s.list_id
                      AND other.status = 'subscribed')
 ORDER BY c.email
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL AND until IS NULL DO NOTHING
"""
# Locks the contacts, as an unsubscription does (contacts.queries.deleting).
LOCK = "SELECT FROM contacts_contact WHERE id = ANY(%(contacts)s) ORDER BY id FOR UPDATE"
DELETE = """
DELETE FROM contacts_subscription WHERE list_id = %(list)s AND contact_id = ANY(%(contacts)s)
"""
NEXT = """
SELECT contact_id FROM contacts_subscription WHERE list_id = %(list)s ORDER BY contact_id
 LIMIT %(limit)s
"""
NUMBERS = """
SELECT count(*) FILTER (WHERE s.status = 'subscribed'),
       count(*) FILTER (WHERE s.status = 'unsubscribed'),
       count(*) FILTER (WHERE s.status = 'subscribed' AND o.contact_id IS NULL),
       count(*) FILTER (WHERE s.status = 'unsubscribed' AND o.contact_id IS NULL)
  FROM contacts_subscription s
  LEFT JOIN (SELECT DISTINCT other.contact_id FROM contacts_subscription other
               JOIN contacts_list l ON l.id = other.list_id AND l.workspace_id = %(workspace)s
              WHERE other.list_id <> %(list)s AND other.status = 'subscribed') o
         ON o.contact_id = s.contact_id
 WHERE s.list_id = %(list)s
"""


@dataclass(frozen=True, slots=True)
class DeletedNumbers:
    """`only_here`: subscribed to no other list. `kept`: people who left it and are on no other
    list, whose wish is kept as a suppression."""

    subscribed: int
    unsubscribed: int
    only_here: int
    kept: int


def numbers(workspace_id: int, list_id: int) -> DeletedNumbers:
    with connection.cursor() as cursor:
        cursor.execute(NUMBERS, {"workspace": workspace_id, "list": list_id})
        return DeletedNumbers(*(cursor.fetchone() or (0, 0, 0, 0)))


def take(list_id: int, limit: int) -> list[int]:
    """Deletes the next subscriptions. Returns the ids of their contacts, ascending; [] if there are
    none. Within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT, {"list": list_id, "limit": limit})
        contacts = [pk for (pk,) in cursor.fetchall()]
        _delete(list_id, contacts)
    return contacts


def _delete(list_id: int, contacts: Collection[int]) -> None:
    given: dict[str, Any] = {"list": list_id, "contacts": list(contacts)}
    with connection.cursor() as cursor:
        for statement in (LOCK, KEEP, DELETE):
            cursor.execute(statement, given)
