"""The stored sources of unproven reports: anybody can send any number of them, so they have a
bound. What was read of a report (kind, recipient, the server's words) stays in its row, and the
mail itself stays in the mailbox."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

# Of a workspace, the newest of them; a source has 256 KB at most (bounces.imap.box).
MOST = 1000
# Long enough to decide about a report. Nothing of it is needed for deciding later.
KEPT = timedelta(days=90)
# Sources dropped in one statement.
AT_ONCE = 500

# By bounce_mail_unproven_source, which holds as many as the bound leaves. The digest is what
# queries.seen knows the same mail by when a mailbox that was rebuilt shows it again.
DROP = """
UPDATE bounces_bouncemail mail SET digest = sha256(raw), raw = NULL
 WHERE mail.id IN (
       SELECT id FROM (
              SELECT m.id, m.collected_at,
                     row_number() OVER (PARTITION BY b.workspace_id ORDER BY m.id DESC) AS place
                FROM bounces_bouncemail m JOIN bounces_bouncemailbox b ON b.id = m.mailbox_id
               WHERE m.state IN ('unproven', 'dismissed') AND m.raw IS NOT NULL) kept
        WHERE place > %(most)s OR collected_at < %(since)s
        LIMIT %(limit)s)
   AND mail.raw IS NOT NULL
"""


def drop_old() -> int:
    """Drops those that are over the bound; how many. Safe to run twice and side by side."""
    known: dict[str, Any] = {"most": MOST, "since": timezone.now() - KEPT, "limit": AT_ONCE}
    dropped, last = 0, AT_ONCE
    with connection.cursor() as cursor:
        while last >= AT_ONCE:
            cursor.execute(DROP, known)
            last = int(cursor.rowcount)
            dropped += last
    return dropped
