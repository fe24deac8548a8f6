"""Puts contacts on lists in sets."""

from collections.abc import Collection

from django.db import connection
from django.db.models import QuerySet

from contacts.models import Contact, List
from contacts.provenance import Source
from pages import statements

SUBSCRIBE = """
INSERT INTO contacts_subscription
    (list_id, contact_id, status, consent, source_kind, source_id, created_at, changed_at)
SELECT %s, person.id, 'subscribed', %s, %s, %s, now(), now() FROM ({people}) person
ON CONFLICT (list_id, contact_id) DO NOTHING
"""

# By the person's own word, given by the person: also those who left come back. `was`: the status
# before, null for a new row; the CTE sees the rows as they were.
OPT_IN = """
WITH was AS (
  SELECT list_id, status FROM contacts_subscription
   WHERE contact_id = %(contact)s AND list_id = ANY(%(lists)s))
INSERT INTO contacts_subscription AS there
    (list_id, contact_id, status, consent, source_kind, source_id, created_at, changed_at)
SELECT l.id, %(contact)s, 'subscribed', 'explicit', %(source_kind)s, %(source_id)s, now(), now()
  FROM contacts_list l
 WHERE l.id = ANY(%(lists)s) AND l.workspace_id = %(workspace)s
 ORDER BY l.id
ON CONFLICT (list_id, contact_id) DO UPDATE
SET status = excluded.status, consent = excluded.consent, source_kind = excluded.source_kind,
    source_id = excluded.source_id, afterwards = '', changed_at = excluded.changed_at
RETURNING list_id,
          (SELECT was.status FROM was WHERE was.list_id = there.list_id)
              IS DISTINCT FROM 'subscribed'
"""


def subscribe(target: List, people: QuerySet[Contact], *, consent: str, source: Source) -> int:
    """Returns how many are newly on the list. A person who left it has a row, and stays off it."""
    theirs = people.filter(workspace_id=target.workspace_id)
    ids, parameters = statements.sql_of(theirs.order_by("pk").values("id"))
    with connection.cursor() as cursor:
        # The query is made by Django; its values are parameters.
        statement = SUBSCRIBE.replace("{people}", ids)
        cursor.execute(statement, [target.pk, consent, source.kind, source.number, *parameters])
        return int(cursor.rowcount)


def opt_in(contact: Contact, list_ids: Collection[int], *, source: Source) -> set[int]:
    """The ids of the lists that the contact was not subscribed to before. Lists of another
    workspace are left out."""
    known = {
        "contact": contact.pk,
        "workspace": contact.workspace_id,
        "lists": list(list_ids),
        **source.columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(OPT_IN, known)
        return {list_id for list_id, is_new in cursor.fetchall() if is_new}
