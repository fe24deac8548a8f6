"""An import's batch in the database: staged by COPY, and judged in one statement. Then
`importmerging` writes it.

`judge` reads the real tables and writes only temporary ones, so that the check before an import
(dry run) and the import itself always agree. The caller runs a whole batch in one transaction.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from typing import Any

from django.db import connection

from contacts.provenance import IMPORT, Source
from contacts.queries import fullnames, ways

CREATE = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_staged (
    line bigint, email text, first_name text, last_name text, full_name text,
    attributes jsonb, consent text, flag text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS import_judged (
    line bigint, email text, first_name text, last_name text, full_name text,
    attributes jsonb, consent text, flag text, contact_id bigint, outcome text, listing text,
    ours boolean, stops boolean, elsewhere boolean
) ON COMMIT DELETE ROWS;
-- What a check would have written: it is one transaction and keeps it here. Empty in an import.
CREATE TEMPORARY TABLE IF NOT EXISTS import_seen (
    email text PRIMARY KEY, outcome text, listing text, stopped boolean
) ON COMMIT DELETE ROWS;
TRUNCATE import_staged, import_judged
"""

# Few staged rows are compared with large tables, and each comparison has a unique index. The
# planner has no statistics of a new temporary table, and old ones of a table that is being filled:
# it would read a million contacts for each batch, or even for each row. So each comparison is a
# subquery of its own (LATERAL, OFFSET 0), looked up by its index. work_mem is also for the search
# index, which sorts appended entries: with 4 MB it would pass four times over its pending list.
BY_INDEX = """
SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL work_mem = '64MB'
"""

# For a row with a source: this import wrote it.
OURS = "(source_kind = %(source_kind)s AND source_id = %(source_id)s)"

# Decides the outcome of each staged row. A known contact's merged values are computed here for each
# value of %(known)s; an empty cell never deletes a value. The sequence's name is looked up once, in
# a subquery of its own: for each row it would cost ten times as much as taking a number.
#
# `listing` is the change on the list: 'subscribed' and 'unsubscribed' are written; 'withdrawn'
# undoes a subscription by an earlier line of this file ("ours") that this line puts in doubt;
# 'asked' and 'skip' are people who are not put on it. A person who left the list stays off it,
# whatever the file says. NULL: no change.
#
# `stops`: the address gets suppressed, because the file says so. Unsubscribed people are suppressed
# if there is no list to record it on.
#
# `elsewhere`: the file newly calls a person unsubscribed, by a word that names no list, and the
# person is subscribed to another list. With %(everywhere)s that also suppresses the address.
#
# An export of ours may repeat facts that are known here (`said`): a person who left some list is
# "unsubscribed", without naming the list, and one at a suppressed domain is "suppressed". Neither
# is news about the person.
JUDGE = """
INSERT INTO import_judged
SELECT line, email, first_name, last_name, full_name, attributes, consent, flag,
       coalesce(contact_id,
                CASE WHEN %(apply)s AND outcome = 'new'
                     THEN nextval((SELECT pg_get_serial_sequence('contacts_contact', 'id')
                                          ::regclass)) END),
       outcome,
       CASE
           WHEN NOT %(listed)s THEN CASE WHEN flag = '?' AND taken THEN 'asked'
                                         WHEN flag = 'n' AND taken THEN 'skip' END
           WHEN flag IN ('u', 'l') AND on_list = 'subscribed' THEN 'unsubscribed'
           WHEN flag IN ('n', '?') AND on_list = 'subscribed' AND ours THEN 'withdrawn'
           WHEN flag IN ('u', 'l') AND on_list IS NULL AND (taken OR outcome = 'duplicate')
               THEN 'unsubscribed'
           WHEN flag = '?' AND taken THEN 'asked'
           WHEN flag = 'n' AND taken THEN 'skip'
           WHEN flag = '' AND on_list IS NULL AND taken THEN 'subscribed'
       END,
       ours,
       (says_stop OR (elsewhere AND %(everywhere)s)) AND NOT stopped,
       elsewhere
FROM (
    SELECT *, outcome IN ('new', 'updated', 'unchanged') AS taken,
           outcome <> 'suppressed' AND flag = 'u' AND %(listed)s
               AND on_list IS DISTINCT FROM 'unsubscribed'
               AND EXISTS (SELECT FROM contacts_subscription other
                           WHERE other.contact_id = decided.contact_id
                             AND other.status = 'subscribed'
                             AND other.list_id IS DISTINCT FROM %(list)s
                           -- Asked one by one, never by reading all subscriptions.
                           OFFSET 0) AS elsewhere
    FROM (
        SELECT s.line, s.email, merged.first_name, merged.last_name, merged.full_name,
               merged.attributes, s.consent, said.flag, c.id AS contact_id,
               coalesce(before.listing, on_list.status) AS on_list,
               before.listing IS NOT NULL OR on_list.ours AS ours,
               CASE
                   WHEN said.flag IN ('s', 'b', 'c')
                        OR (said.flag IN ('u', 'l') AND NOT %(listed)s)
                        OR {stopped}
                        OR before.outcome = 'suppressed' THEN 'suppressed'
                   WHEN seen.contact_id IS NOT NULL OR before.outcome = 'taken' THEN 'duplicate'
                   WHEN c.id IS NULL THEN 'new'
                   WHEN (c.first_name, c.last_name, c.full_name, c.attributes) IS DISTINCT FROM
                        (merged.first_name, merged.last_name, merged.full_name, merged.attributes)
                   THEN 'updated'
                   ELSE 'unchanged'
               END AS outcome,
               said.flag IN ('s', 'b', 'c')
               OR (said.flag IN ('u', 'l') AND NOT %(listed)s) AS says_stop,
               by_address.id IS NOT NULL OR coalesce(before.stopped, false)
               OR (%(own)s AND by_domain.id IS NOT NULL) AS stopped
        FROM import_staged s
        {stops}        LEFT JOIN LATERAL (
            SELECT id, first_name, last_name, full_name, attributes FROM contacts_contact
            WHERE workspace_id = %(workspace)s AND email = s.email OFFSET 0
        ) c ON true
        LEFT JOIN LATERAL (
            SELECT contact_id FROM contacts_importedcontact
            WHERE import_id = %(import_id)s AND contact_id = c.id OFFSET 0
        ) seen ON true
        LEFT JOIN LATERAL (
            SELECT status, {ours} AS ours FROM contacts_subscription
            WHERE list_id = %(list)s AND contact_id = c.id OFFSET 0
        ) on_list ON true
        LEFT JOIN LATERAL (
            SELECT outcome, listing, stopped FROM import_seen WHERE email = s.email OFFSET 0
        ) before ON true
        CROSS JOIN LATERAL (SELECT
            CASE WHEN s.flag IN ('u', 'l') AND %(summed_up)s AND EXISTS (
                     SELECT FROM contacts_subscription
                     WHERE contact_id = c.id AND status = 'unsubscribed')
                 THEN 'n' ELSE s.flag END AS flag
        ) said
        -- Our export has a full name that is made of first and last name: it is not stored.
        CROSS JOIN LATERAL (SELECT nullif(s.full_name, {full_name}) AS full_name) given
        CROSS JOIN LATERAL (SELECT
            CASE %(known)s
                WHEN 'overwrite' THEN coalesce(nullif(s.first_name, ''), c.first_name, '')
                WHEN 'fill' THEN coalesce(nullif(c.first_name, ''), s.first_name)
                ELSE coalesce(c.first_name, s.first_name) END AS first_name,
            CASE %(known)s
                WHEN 'overwrite' THEN coalesce(nullif(s.last_name, ''), c.last_name, '')
                WHEN 'fill' THEN coalesce(nullif(c.last_name, ''), s.last_name)
                ELSE coalesce(c.last_name, s.last_name) END AS last_name,
            CASE %(known)s
                WHEN 'overwrite' THEN coalesce(nullif(given.full_name, ''), c.full_name, '')
                WHEN 'fill' THEN coalesce(nullif(c.full_name, ''), given.full_name, '')
                ELSE coalesce(c.full_name, given.full_name) END AS full_name,
            CASE %(known)s
                WHEN 'overwrite' THEN coalesce(c.attributes, '{}') || s.attributes
                WHEN 'fill' THEN s.attributes || coalesce(c.attributes, '{}')
                ELSE coalesce(c.attributes, s.attributes) END AS attributes
        ) merged
    ) decided
    -- What reads a sequence must not be computed for rows that a later step would drop.
    OFFSET 0
) judged
""".replace("{ours}", OURS).replace("{full_name}", fullnames.of("c"))


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a batch, and its settings. `known` is a value of Import.Known."""

    workspace: int
    import_id: int
    list: int | None
    consent: str
    known: str
    # It goes into a list, which may still have to be made when the import starts.
    listed: bool
    # `own`: an export of ours; `summed_up`: its status may be about other lists
    # (importlayout.Layout).
    own: bool
    summed_up: bool
    # Whether "unsubscribed" is about all lists, not only this one.
    everywhere: bool
    filename: str

    def parameters(self, *, apply: bool) -> dict[str, Any]:
        return {
            "workspace": self.workspace,
            "import_id": self.import_id,
            "list": self.list,
            "listed": self.listed,
            "consent": self.consent,
            "known": self.known,
            **Source(IMPORT, self.import_id).columns,
            "own": self.own,
            "summed_up": self.summed_up,
            "everywhere": self.everywhere,
            "filename": self.filename,
            "apply": apply,
        }


def stage(rows: StringIO) -> None:
    """Put shaped rows (PostgreSQL's text format: line, email, three names, attributes as JSON,
    consent, flag) into staging."""
    with connection.cursor() as cursor:
        cursor.execute(CREATE)
        with cursor.copy("COPY import_staged FROM STDIN") as copy:
            copy.write(rows.getvalue())


def judge(target: Target, *, apply: bool) -> dict[str, int]:
    """Decide the outcome of each staged row; {outcome or count: rows}. Writes only temporary
    tables."""
    with connection.cursor() as cursor:
        cursor.execute(BY_INDEX)
        stops = ways.of(target.workspace).of_imports
        judge_ = JUDGE.replace("{stops}", stops.lateral_joins("s.email"))
        judge_ = judge_.replace("{stopped}", stops.stopped)
        cursor.execute(judge_, target.parameters(apply=apply) | ways.parameters())
        return outcomes(cursor) | listings(cursor)


def keep_seen() -> None:
    """Keep, for later batches of a check, what an import would have written for the judged
    batch."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO import_seen (email, outcome, listing, stopped)
            SELECT email,
                   CASE WHEN stops OR outcome = 'suppressed' THEN 'suppressed' ELSE 'taken' END,
                   CASE WHEN listing IN ('subscribed', 'unsubscribed') THEN listing END, stops
            FROM import_judged
            ON CONFLICT (email) DO UPDATE
            SET outcome = CASE excluded.outcome WHEN 'suppressed' THEN 'suppressed'
                          ELSE import_seen.outcome END,
                stopped = import_seen.stopped OR excluded.stopped,
                listing = coalesce(excluded.listing, import_seen.listing)
            """
        )
        cursor.execute(
            "UPDATE import_seen seen SET listing = NULL FROM import_judged j "
            "WHERE j.email = seen.email AND j.listing = 'withdrawn'"
        )


def forget_seen() -> None:
    """Ends a check, so that another one in the same transaction begins empty."""
    with connection.cursor() as cursor:
        # After a file without lines, nothing was staged and the table may not exist yet.
        cursor.execute(CREATE)
        cursor.execute("TRUNCATE import_seen")


def samples(limit: int) -> list[dict[str, Any]]:
    """Some judged rows of each outcome, in the file's order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT line, email, full_name, first_name, last_name, outcome, listing FROM (
                SELECT *, row_number() OVER (PARTITION BY outcome ORDER BY line) AS number
                FROM import_judged
            ) numbered WHERE number <= %s ORDER BY line
            """,
            [limit],
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def listings(cursor: Any) -> dict[str, int]:
    """Counts of the judged changes on the list. "subscribed" is net: people whom an earlier batch
    had subscribed are subtracted when they are withdrawn or unsubscribed."""
    cursor.execute(
        """
        SELECT count(*) FILTER (WHERE listing = 'subscribed')
               - count(*) FILTER (WHERE listing = 'withdrawn')
               - count(*) FILTER (WHERE listing = 'unsubscribed' AND ours),
               count(*) FILTER (WHERE listing = 'unsubscribed'),
               count(*) FILTER (WHERE listing = 'asked' OR (listing = 'withdrawn' AND flag = '?')),
               count(*) FILTER (WHERE listing = 'skip' OR (listing = 'withdrawn' AND flag = 'n')),
               count(*) FILTER (WHERE stops),
               count(*) FILTER (WHERE elsewhere)
        FROM import_judged
        """
    )
    names = ("subscribed", "unsubscribed", "asked", "not_subscribed", "stopped", "elsewhere")
    return dict(zip(names, cursor.fetchone(), strict=True))


def outcomes(cursor: Any) -> dict[str, int]:
    """Counts of the judged rows."""
    cursor.execute("SELECT outcome, count(*) FROM import_judged GROUP BY outcome")
    return dict(cursor.fetchall())


def keep_rejects(import_id: int, rejects: Iterable[tuple[int, str, bool, str, list[str]]]) -> None:
    """Store (line, reason, kept, value, cells) by COPY: a wrong mapping rejects every line."""
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY contacts_importreject (import_id, line, reason, kept, value, cells) FROM STDIN"
        ) as copy,
    ):
        for line, reason, kept, value, cells in rejects:
            copy.write_row((import_id, line, reason, kept, value, json.dumps(cells)))


def analyze() -> None:
    """Update the statistics of the tables that an import fills. Without that, index scans by
    workspace look as good as those by address. Only of columns used for look-ups: with attributes
    and the searched text it would take five times as long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE contacts_contact (id, workspace_id, email), "
            "contacts_subscription (list_id, contact_id), contacts_suppression, "
            "contacts_importedcontact (import_id, contact_id)"
        )


def wait_for_turn(workspace: int) -> None:
    """Wait until no other import merges in the workspace, and keep others out until the end of the
    transaction. Two files with the same people in different orders could deadlock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('contacts.import'), %s)", [workspace])


def lines_not_taken() -> set[int]:
    """Lines of the judged batch whose address is suppressed, or was in an earlier batch."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line FROM import_judged WHERE outcome IN ('duplicate', 'suppressed')"
        )
        return {line for (line,) in cursor.fetchall()}


def sort_into_search() -> None:
    """Sort the batches' entries into the search index now, so that people's searches don't have
    to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('contact_search_shown')")
