"""Limits the stored sources of unproven reports, because anybody can send any number of them. The
facts read from a report (kind, recipient, the server's words) stay in its row, and the mail itself
stays in the mailbox."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

# How many of a workspace's newest sources are kept; each has at most 256 KB (bounces.imap.box).
MOST = 1000
# Long enough to decide about a report. Later decisions don't need the source.
KEPT = timedelta(days=90)
# Sources dropped in one statement.
AT_ONCE = 500

# Uses the index bounce_mail_unproven_source, which has as many entries as the limit leaves. By the
# digest queries.seen recognizes the same mail in a rebuilt mailbox.
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
    """Drops sources over the limit. Returns how many. Safe to run twice and in parallel."""
    known: dict[str, Any] = {"most": MOST, "since": timezone.now() - KEPT, "limit": AT_ONCE}
    dropped, last = 0, AT_ONCE
    with connection.cursor() as cursor:
        while last >= AT_ONCE:
            cursor.execute(DROP, known)
            last = int(cursor.rowcount)
            dropped += last
    return dropped
