"""Addresses are suppressed in sets."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Workspace
from contacts.models import Contact
from pages import statements

# One statement for any number. What is there already has the transaction that changed it in xmax.
SUPPRESS = """
INSERT INTO contacts_suppression AS there
    (workspace_id, kind, value, reason, source_kind, source_id, detail, created_by_id, created_at)
SELECT %(workspace)s, 'address', value, %(reason)s, %(source_kind)s, %(source_id)s, detail, %(by)s,
       now()
FROM unnest(%(values)s::text[], %(details)s::text[]) AS given (value, detail)
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL DO UPDATE
SET afterwards = 'said_again'
WHERE there.reason = 'unsubscribed' AND there.afterwards <> 'said_again'
  AND (excluded.reason = 'complained'
       OR (excluded.reason = 'unsubscribed'
           AND (excluded.source_kind, excluded.source_id) <> (there.source_kind, there.source_id)))
RETURNING xmax = 0
"""
# Of contacts, whose addresses a query of Django's gives.
SUPPRESS_PEOPLE = """
INSERT INTO contacts_suppression
    (workspace_id, kind, value, reason, source_kind, source_id, detail, created_by_id, created_at)
SELECT %s, 'address', person.email, %s, %s, %s, %s, %s, now() FROM ({people}) person
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL DO NOTHING
"""


def addresses(given: dict[str, Any]) -> int:
    """How many are new; see SUPPRESS for what is given."""
    with connection.cursor() as cursor:
        cursor.execute(SUPPRESS, given)
        return sum(new for (new,) in cursor.fetchall())


def people(workspace: Workspace, chosen: QuerySet[Contact], given: dict[str, Any]) -> int:
    """How many are new. `given`: reason, the columns of the source, detail, and by (the id of a
    user)."""
    emails, parameters = statements.sql_of(chosen.order_by("email").values("email"))
    values = [given[name] for name in ("reason", "source_kind", "source_id", "detail", "by")]
    with connection.cursor() as cursor:
        statement = SUPPRESS_PEOPLE.replace("{people}", emails)
        cursor.execute(statement, [workspace.pk, *values, *parameters])
        return int(cursor.rowcount)
