"""Writes the judged rows of an import's batch (contacts.queries.importing)."""

from typing import Any

from django.db import IntegrityError, connection, transaction

from contacts.queries import overwritten
from contacts.queries.importing import OURS, Target, listings, outcomes

# Locks the contacts first, in the order of ids, so that what is stored as overwritten is what was
# there, whatever others change meanwhile.
UPDATE = f"""
WITH before AS MATERIALIZED (
    SELECT c.id, c.first_name, c.last_name, c.full_name, c.attributes,
           j.first_name AS new_first_name, j.last_name AS new_last_name,
           j.full_name AS new_full_name, j.attributes AS new_attributes
    FROM import_judged j JOIN contacts_contact c ON c.id = j.contact_id
    WHERE j.outcome = 'updated' ORDER BY c.id FOR UPDATE OF c
), b AS (
    UPDATE contacts_contact c
    SET first_name = new_first_name, last_name = new_last_name, full_name = new_full_name,
        attributes = new_attributes, updated_at = now()
    FROM before WHERE c.id = before.id
    RETURNING before.*
)
INSERT INTO contacts_importedcontact (import_id, contact_id, outcome, overwritten)
SELECT %(import_id)s, id, 'updated', {overwritten.CHANGED} FROM b
"""  # noqa: S608 - constants of ours

# A user may add the same person on a page at this moment: that row wins, and ours becomes a known
# contact (LATE).
INSERT = """
INSERT INTO contacts_contact
    (id, workspace_id, email, first_name, last_name, full_name, attributes,
     source_kind, source_id, created_at, updated_at)
SELECT contact_id, %(workspace)s, email, first_name, last_name, full_name, attributes,
       %(source_kind)s, %(source_id)s, now(), now()
FROM import_judged WHERE outcome = 'new'
{conflict}
"""
INSERT_CONFLICT = "ON CONFLICT (workspace_id, email) DO NOTHING"
LATE = """
UPDATE import_judged j SET contact_id = c.id, outcome = 'unchanged'
FROM contacts_contact c
WHERE j.outcome = 'new' AND c.workspace_id = %(workspace)s AND c.email = j.email
  AND c.id <> j.contact_id
"""

# A user may subscribe the same person on a page at this moment: that row stays.
SUBSCRIBE = """
WITH made AS (
    INSERT INTO contacts_subscription
        (list_id, contact_id, status, consent, source_kind, source_id, created_at, changed_at)
    SELECT %(list)s, contact_id, listing, coalesce(nullif(consent, ''), %(consent)s),
           %(source_kind)s, %(source_id)s, now(), now()
    FROM import_judged
    WHERE listing IN ('subscribed', 'unsubscribed') AND contact_id IS NOT NULL
    {conflict}
    RETURNING status
)
SELECT count(*) FILTER (WHERE status = 'subscribed'),
       count(*) FILTER (WHERE status = 'unsubscribed')
FROM made
"""
SUBSCRIBE_CONFLICT = "ON CONFLICT (list_id, contact_id) DO NOTHING"
# Unsubscribes people who left according to the file, and stores what their subscription was.
# Returns how many, and how many of these this import had subscribed.
UNSUBSCRIBE = f"""
WITH had AS (
    SELECT on_list.id, {OURS} AS ours,
           jsonb_build_array(list_id, source_kind, source_id, changed_at) AS list
    FROM contacts_subscription on_list JOIN import_judged j USING (contact_id)
    WHERE on_list.list_id = %(list)s AND on_list.status = 'subscribed'
      AND j.listing = 'unsubscribed'
    FOR UPDATE OF on_list
), changed AS (
    UPDATE contacts_subscription on_list
    SET status = 'unsubscribed', source_kind = %(source_kind)s, source_id = %(source_id)s,
        afterwards = '', changed_at = now()
    FROM had WHERE on_list.id = had.id
    RETURNING had.ours, had.list, on_list.contact_id
), kept AS (
    UPDATE contacts_importedcontact i
    SET overwritten = coalesce(overwritten, '{{}}') || jsonb_build_object('list', changed.list)
    FROM changed
    WHERE NOT ours AND i.import_id = %(import_id)s AND i.contact_id = changed.contact_id
)
SELECT count(*), count(*) FILTER (WHERE ours) FROM changed
"""  # noqa: S608 - a constant of ours
WITHDRAW = f"""
DELETE FROM contacts_subscription on_list USING import_judged j
WHERE on_list.list_id = %(list)s AND on_list.contact_id = j.contact_id
  AND on_list.status = 'subscribed' AND {OURS} AND j.listing = 'withdrawn'
"""  # noqa: S608 - a constant of ours

# The first reason stays. Ordered like all writers of suppressions, to avoid deadlocks.
SUPPRESS = """
INSERT INTO contacts_suppression
    (workspace_id, kind, value, reason, source_kind, source_id, detail, created_at)
SELECT %(workspace)s, 'address', email,
       CASE flag WHEN 'c' THEN 'complained' WHEN 'b' THEN 'hard_bounced' WHEN 's' THEN 'imported'
                 ELSE 'unsubscribed' END,
       %(source_kind)s, %(source_id)s, %(filename)s, now()
FROM import_judged WHERE stops ORDER BY email
ON CONFLICT (workspace_id, kind, value) WHERE lifted_at IS NULL AND until IS NULL DO NOTHING
"""

# Of updated contacts, UPDATE stores it.
REMEMBER = """
INSERT INTO contacts_importedcontact (import_id, contact_id, outcome)
SELECT %(import_id)s, contact_id, outcome
FROM import_judged WHERE outcome IN ('new', 'unchanged')
"""


def merge(target: Target, *, new: int) -> dict[str, int]:
    """Write the judged rows, `new` of which are judged new; {outcome or count: rows} as really
    written, with "subscribed" (newly on the list) and "unsubscribed" (recorded as such)."""
    parameters = target.parameters(apply=True)
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, parameters)
        insert(cursor, INSERT, INSERT_CONFLICT, parameters)
        if cursor.rowcount != new:
            cursor.execute(LATE, parameters)
        counts = listings(cursor)
        cursor.execute(SUPPRESS, parameters)
        counts["stopped"] = cursor.rowcount
        cursor.execute(REMEMBER, parameters)
        if target.list is not None:
            counts |= _subscribe(cursor, parameters)
        return outcomes(cursor) | counts


def insert(cursor: Any, statement: str, conflict: str, parameters: dict[str, Any]) -> None:
    """Insert rows, except those that somebody inserted at this moment. That hardly ever happens,
    and ON CONFLICT makes a statement half as long again: so the plain statement is tried first."""
    try:
        with transaction.atomic():
            cursor.execute(statement.replace("{conflict}", ""), parameters)
    except IntegrityError:
        cursor.execute(statement.replace("{conflict}", conflict), parameters)


def _subscribe(cursor: Any, parameters: dict[str, Any]) -> dict[str, int]:
    cursor.execute(UNSUBSCRIBE, parameters)
    left, had_come = cursor.fetchone()
    cursor.execute(WITHDRAW, parameters)
    withdrawn = cursor.rowcount
    if left:  # their rows are there already
        cursor.execute(SUBSCRIBE.replace("{conflict}", SUBSCRIBE_CONFLICT), parameters)
    else:
        insert(cursor, SUBSCRIBE, SUBSCRIBE_CONFLICT, parameters)
    subscribed, unsubscribed = cursor.fetchone()
    return {
        "subscribed": subscribed - had_come - withdrawn,
        "unsubscribed": unsubscribed + left,
    }
