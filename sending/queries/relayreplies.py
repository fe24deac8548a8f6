"""What servers said lately about the mails of a relay that were not accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from sending.models import Message

# Mailings whose replies are looked at, and messages of each.
MAILINGS, MESSAGES = 5, 1000
GROUPS = 8

# By mailing, not by message: no index leads from a relay to its messages, and needs none. Of each
# recent mailing those that were not accepted and those that are to be tried again, each by an index
# of its own (message_not_accepted, message_retry) and cut off.
REPLIES = """
SELECT found.state, found.reply, count(*), max(found.settled_at)
  FROM unnest(%(mailings)s::bigint[]) AS mailing (id)
 CROSS JOIN LATERAL (
       (SELECT state, reply, relay_id, settled_at FROM sending_message
         WHERE mailing_id = mailing.id AND trouble IS NOT NULL LIMIT %(messages)s)
       UNION ALL
       (SELECT state, reply, relay_id, settled_at FROM sending_message
         WHERE mailing_id = mailing.id AND retry_at IS NOT NULL
         ORDER BY retry_at DESC LIMIT %(messages)s)) found
 WHERE found.relay_id = %(relay)s AND found.reply <> ''
 GROUP BY 1, 2
"""


@dataclass(slots=True)
class Said:
    """What a server said, without what differs from mail to mail; `words` is one as it came."""

    state: str
    words: str
    count: int
    last_at: datetime | None


def last(relay_id: int, mailing_ids: Sequence[int]) -> list[Said]:
    """The most frequent first."""
    known: dict[str, Any] = {
        "relay": relay_id,
        "mailings": list(mailing_ids)[:MAILINGS],
        "messages": MESSAGES,
    }
    with connection.cursor() as cursor:
        cursor.execute(REPLIES, known)
        rows = cursor.fetchall()
    groups: dict[tuple[int, str], Said] = {}
    for state, reply, count, last_at in rows:
        name = Message.State(state).name.lower()
        said = groups.setdefault((state, _kind(reply)), Said(name, reply, 0, last_at))
        said.count += count
        said.last_at = max(filter(None, (said.last_at, last_at)), default=None)
    return sorted(groups.values(), key=lambda said: -said.count)[:GROUPS]


def _kind(reply: str) -> str:
    """The reply's code and enhanced code, which are the same for all mails it is said of."""
    words = reply.split()
    return " ".join(word for word in words[:2] if word[:1].isdigit()) or reply[:40]
