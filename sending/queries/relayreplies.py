"""What servers said lately about the mails of a relay that were not accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from sending import blocks
from sending.models import Message
from sending.queries.blocks import of_messages

# Mailings whose replies are looked at, and messages of each.
MAILINGS, MESSAGES = 5, 1000
GROUPS = 8

# By mailing, not by message: no index leads from a relay to its messages, and needs none. Of each
# recent mailing those that were not accepted and those that are to be tried again, each by an index
# of its own (message_not_accepted, message_retry) and cut off, in an order that is always the same:
# the number of a group and the list behind it are of the same messages.
REPLIES = """
SELECT found.state, found.reply, {what}
  FROM unnest(%(mailings)s::bigint[]) AS mailing (id)
 CROSS JOIN LATERAL (
       (SELECT id, state, reply, relay_id, settled_at FROM sending_message
         WHERE mailing_id = mailing.id /* of sending_message */ AND trouble IS NOT NULL
         ORDER BY trouble, address LIMIT %(messages)s)
       UNION ALL
       (SELECT id, state, reply, relay_id, settled_at FROM sending_message
         WHERE mailing_id = mailing.id /* of sending_message */ AND retry_at IS NOT NULL
         ORDER BY retry_at DESC, id LIMIT %(messages)s)) found
 WHERE found.relay_id = %(relay)s AND found.reply <> ''
 GROUP BY 1, 2
"""


@dataclass(slots=True)
class Said:
    """What a server said, without what differs from mail to mail; `words` is one as it came."""

    state: str
    # What is the same in them.
    kind: str
    words: str
    count: int
    last_at: datetime | None


def _read(relay_id: int, mailing_ids: Sequence[int], what: str) -> list[tuple[Any, ...]]:
    known: dict[str, Any] = {
        "relay": relay_id,
        "mailings": list(mailing_ids)[:MAILINGS],
        "messages": MESSAGES,
    }
    with connection.cursor() as cursor:
        among = map(blocks.of_mailing, known["mailings"])
        cursor.execute(blocks.among(REPLIES.format(what=what), among), known)
        return list(cursor.fetchall())


def last(relay_id: int, mailing_ids: Sequence[int]) -> list[Said]:
    """The most frequent first."""
    rows = _read(relay_id, mailing_ids, "count(*), max(found.settled_at)")
    groups: dict[tuple[int, str], Said] = {}
    for state, reply, count, last_at in rows:
        name = Message.State(state).name.lower()
        kind = _kind(reply)
        said = groups.setdefault((state, kind), Said(name, kind, reply, 0, last_at))
        said.count += count
        said.last_at = max(filter(None, (said.last_at, last_at)), default=None)
    return sorted(groups.values(), key=lambda said: -said.count)[:GROUPS]


def messages(
    relay_id: int, mailing_ids: Sequence[int], *, state: str, kind: str
) -> QuerySet[Message]:
    """The messages of one group of `last`."""
    rows = _read(relay_id, mailing_ids, "array_agg(found.id)")
    ids = [
        pk
        for number, reply, found in rows
        if _kind(reply) == kind and Message.State(number).name.lower() == state
        for pk in found
    ]
    return Message.objects.filter(of_messages(ids), pk__in=ids)


def _kind(reply: str) -> str:
    """The reply's code and enhanced code, which are the same for all mails it is said of."""
    words = reply.split()
    return " ".join(word for word in words[:2] if word[:1].isdigit()) or reply[:40]
