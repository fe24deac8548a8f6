"""Finds mails that came before, byte for byte."""

from collections.abc import Sequence

from django.db import connection

# Also finds mails of which only a digest is stored.
SEEN = """
SELECT DISTINCT fresh.id FROM bounces_bouncemail fresh
  JOIN bounces_bouncemail old
    ON old.mailbox_id = fresh.mailbox_id AND old.id < fresh.id
   AND old.state IN ('processed', 'unproven', 'dismissed')
   AND (old.raw = fresh.raw OR old.digest = sha256(fresh.raw))
  JOIN unnest(%s::bigint[], %s::bigint[]) AS given (id, message_id)
    ON given.id = fresh.id AND old.message_id = given.message_id
"""


def seen_before(mails: Sequence[int], messages: Sequence[int]) -> set[int]:
    """Ids of those `mails` that came to their mailbox before, about the same message. `messages`:
    one for each mail."""
    with connection.cursor() as cursor:
        cursor.execute(SEEN, [list(mails), list(messages)])
        return {pk for (pk,) in cursor.fetchall()}
