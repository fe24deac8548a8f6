"""Contacts are put on lists in sets."""

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


def subscribe(target: List, people: QuerySet[Contact], *, consent: str, source: Source) -> int:
    """How many are newly on the list. Who left it has a row there, and stays off it."""
    theirs = people.filter(workspace_id=target.workspace_id)
    ids, parameters = statements.sql_of(theirs.order_by("pk").values("id"))
    with connection.cursor() as cursor:
        # The query is Django's own, its values are parameters.
        statement = SUBSCRIBE.replace("{people}", ids)
        cursor.execute(statement, [target.pk, consent, source.kind, source.number, *parameters])
        return int(cursor.rowcount)
