"""The tags of an import's batch, which contacts.queries.importing has judged: one statement for new
tags, and one for those of contacts. A batch without tags needs none."""

from io import StringIO
from typing import Any

from django.db import connection

from contacts.queries.importing import Target
from contacts.queries.importmerging import insert

CREATE = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_tagged (email text, key text, name text)
ON COMMIT DELETE ROWS;
TRUNCATE import_tagged;
-- The batch is joined with itself, which contacts.queries.importing.BY_INDEX would do row by row.
SET LOCAL enable_hashjoin = on
"""

# Whose tags are added. Contacts that the import leaves as they are get none.
TAKEN = """(j.outcome = 'new'
            OR (j.outcome IN ('updated', 'unchanged') AND %(known)s <> 'skip'))"""

# The first line's spelling counts. In the order of keys, against deadlocks. Each key is looked up
# once: nearly all batches have no new one.
NEW = f"""
WITH unknown AS MATERIALIZED (
    SELECT key FROM (SELECT DISTINCT key FROM import_tagged) given
    WHERE NOT EXISTS (SELECT FROM contacts_tag t
                      WHERE t.workspace_id = %(workspace)s AND t.key = given.key OFFSET 0)
)
SELECT DISTINCT ON (g.key) g.key, g.name
FROM import_tagged g JOIN unknown USING (key) JOIN import_judged j USING (email)
WHERE {TAKEN}
ORDER BY g.key, j.line
"""  # noqa: S608 - a constant of ours
MAKE = f"""
INSERT INTO contacts_tag (workspace_id, key, name, created_at)
SELECT %(workspace)s, key, name, now() FROM ({NEW}) new
ON CONFLICT (workspace_id, key) DO NOTHING
"""  # noqa: S608 - a constant of ours
# Locked, so that nobody deletes a tag before the commit.
TAG = f"""
WITH tag AS MATERIALIZED (
    SELECT id, key FROM contacts_tag
    WHERE workspace_id = %(workspace)s AND key IN (SELECT key FROM import_tagged)
    ORDER BY id FOR KEY SHARE
), made AS (
    INSERT INTO contacts_contacttag (tag_id, contact_id, source_kind, source_id, created_at)
    SELECT tag.id, j.contact_id, %(source_kind)s, %(source_id)s, now()
    FROM import_tagged g JOIN import_judged j USING (email) JOIN tag USING (key)
    WHERE {TAKEN} ORDER BY tag.id, j.contact_id
    {{conflict}}
    RETURNING contact_id
)
SELECT count(DISTINCT contact_id) FROM made
"""  # noqa: S608 - a constant of ours
TAG_CONFLICT = "ON CONFLICT (tag_id, contact_id) DO NOTHING"
# How many contacts would get a tag that they don't have.
COUNT = f"""
SELECT count(DISTINCT g.email)
FROM import_tagged g JOIN import_judged j USING (email)
WHERE {TAKEN} AND NOT EXISTS (
    SELECT FROM contacts_tag t JOIN contacts_contacttag c ON c.tag_id = t.id
    WHERE t.workspace_id = %(workspace)s AND t.key = g.key AND c.contact_id = j.contact_id
    OFFSET 0)
"""  # noqa: S608 - a constant of ours


def stage(rows: StringIO) -> None:
    """Put tags (CSV: email, key, name) beside the staged rows."""
    with connection.cursor() as cursor:
        cursor.execute(CREATE)
        with cursor.copy("COPY import_tagged FROM STDIN (FORMAT csv)") as copy:
            copy.write(rows.getvalue())


def merge(target: Target, *, all_new: bool) -> dict[str, int]:
    """Add the staged tags to the contacts of the merged batch; `all_new`: the import made all of
    them, so they have no tag yet. Returns how many contacts were tagged, and how many tags are
    new."""
    parameters: dict[str, Any] = target.parameters(apply=True)
    with connection.cursor() as cursor:
        cursor.execute(MAKE, parameters)
        made = cursor.rowcount
        if all_new:
            insert(cursor, TAG, TAG_CONFLICT, parameters)
        else:
            cursor.execute(TAG.replace("{conflict}", TAG_CONFLICT), parameters)
        return {"tagged": cursor.fetchone()[0], "new_tags": made}


def new_names(target: Target) -> dict[str, str]:
    """{key: name} of the staged tags that would be made. Changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(NEW, target.parameters(apply=False))
        return dict(cursor.fetchall())


def count(target: Target) -> int:
    """How many contacts would be tagged. Changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, target.parameters(apply=False))
        return int(cursor.fetchone()[0])
