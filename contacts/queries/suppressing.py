"""Suppresses addresses in sets.

Each statement writes either suppressions that last or those that end at a time (`until`): they are
in different unique indexes, so neither hides the other.
"""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Workspace
from contacts.models import Contact
from pages import statements

# One statement for any number. Rows that existed have an xmax that is not 0.
SUPPRESS = """
INSERT INTO contacts_suppression AS there
    (workspace_id, kind, value, reason, source_kind, source_id, detail, message_id, created_by_id,
     created_at)
SELECT %(workspace)s, 'address', value, %(reason)s, %(source_kind)s, %(source_id)s, detail,
       message_id, %(by)s, now()
FROM unnest(%(values)s::text[], %(details)s::text[], %(messages)s::bigint[])
         AS given (value, detail, message_id)
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL AND until IS NULL DO UPDATE
SET afterwards = 'said_again'
WHERE there.reason = 'unsubscribed' AND there.afterwards <> 'said_again'
  AND (excluded.reason = 'complained'
       OR (excluded.reason = 'unsubscribed'
           AND (excluded.source_kind, excluded.source_id) <> (there.source_kind, there.source_id)))
RETURNING xmax = 0
"""
# One that ends: the latest end counts. If the former one is over, this is a new one.
SUPPRESS_FOR_A_TIME = """
INSERT INTO contacts_suppression AS there
    (workspace_id, kind, value, reason, source_kind, source_id, detail, message_id, created_by_id,
     created_at, until)
SELECT %(workspace)s, 'address', value, %(reason)s, %(source_kind)s, %(source_id)s, detail,
       message_id, %(by)s, now(), %(until)s
FROM unnest(%(values)s::text[], %(details)s::text[], %(messages)s::bigint[])
         AS given (value, detail, message_id)
ON CONFLICT (workspace_id, kind, value)
      WHERE lifted_at IS NULL AND until IS NOT NULL AND NOT reason = 'paused' DO UPDATE
SET until = excluded.until,
    reason = excluded.reason, source_kind = excluded.source_kind, source_id = excluded.source_id,
    detail = excluded.detail, message_id = excluded.message_id,
    created_by_id = excluded.created_by_id,
    created_at = CASE WHEN there.until > now() THEN there.created_at ELSE excluded.created_at END
WHERE there.until < excluded.until
RETURNING xmax = 0 OR created_at = now()
"""
# For contacts, whose addresses come from a query made by Django.
SUPPRESS_PEOPLE = """
INSERT INTO contacts_suppression
    (workspace_id, kind, value, reason, source_kind, source_id, detail, created_by_id, created_at)
SELECT %s, 'address', person.email, %s, %s, %s, %s, %s, now() FROM ({people}) person
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL AND until IS NULL DO NOTHING
"""

# Entries of any kind that a person gives: (kind, value) once each, sorted. `{owner}` is a condition
# on the suppression: of the workspace, or of the installation.
GIVEN = """
unnest(%(kinds)s::text[], %(values)s::text[], %(likes)s::text[], %(reasons)s::text[],
       %(untils)s::timestamptz[], %(notes)s::text[])
    AS given (kind, value, like_text, reason, until, note)
"""
# What is over gives its place to the new one, and stays as history.
CLOSE = f"""
UPDATE contacts_suppression s SET lifted_at = s.until
  FROM {GIVEN}
 WHERE {{owner}} AND s.kind = given.kind AND s.value = given.value AND s.lifted_at IS NULL
   AND s.until <= now()
"""  # noqa: S608 - a constant of ours
# One that ends is prolonged. Of the installation, where each value has one row, it may become one
# that lasts; in a workspace that is a row of its own.
PROLONG = f"""
UPDATE contacts_suppression s SET until = given.until
  FROM {GIVEN}
 WHERE {{owner}} AND s.kind = given.kind AND s.value = given.value AND s.lifted_at IS NULL
   AND s.until < coalesce(given.until, 'infinity') AND s.reason <> 'paused'
   AND (given.until IS NOT NULL OR s.workspace_id IS NULL)
"""  # noqa: S608 - a constant of ours
ADD = f"""
INSERT INTO contacts_suppression
    (workspace_id, kind, value, like_text, reason, until, source_kind, source_id, detail, note,
     created_by_id, created_at)
SELECT %(workspace)s, kind, value, like_text, reason, until, %(source_kind)s, %(source_id)s,
       %(detail)s, note, %(by)s, now()
  FROM {GIVEN}
ON CONFLICT DO NOTHING
"""  # noqa: S608 - a constant of ours


def add(given: dict[str, Any]) -> int:
    """Returns how many are new. `given`: the parameters of ADD."""
    owner = "s.workspace_id IS NULL"
    if given["workspace"] is not None:
        owner = "s.workspace_id = %(workspace)s"
    with connection.cursor() as cursor:
        cursor.execute(CLOSE.format(owner=owner), given)
        cursor.execute(PROLONG.format(owner=owner), given)
        cursor.execute(ADD, given)
        return int(cursor.rowcount)


def addresses(given: dict[str, Any]) -> int:
    """Returns how many are new. `given`: the parameters of SUPPRESS; with `until` those of
    SUPPRESS_FOR_A_TIME."""
    with connection.cursor() as cursor:
        cursor.execute(SUPPRESS_FOR_A_TIME if given.get("until") else SUPPRESS, given)
        return sum(new for (new,) in cursor.fetchall())


def people(workspace: Workspace, chosen: QuerySet[Contact], given: dict[str, Any]) -> int:
    """Returns how many are new. `given`: reason, the columns of the source, detail, and by (the id
    of a user)."""
    emails, parameters = statements.sql_of(chosen.order_by("email").values("email"))
    values = [given[name] for name in ("reason", "source_kind", "source_id", "detail", "by")]
    with connection.cursor() as cursor:
        statement = SUPPRESS_PEOPLE.replace("{people}", emails)
        cursor.execute(statement, [workspace.pk, *values, *parameters])
        return int(cursor.rowcount)
