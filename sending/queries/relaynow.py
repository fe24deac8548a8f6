"""What relays do now: their rate, what of their limits is used, and what servers last said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, Sum
from django.utils import timezone

from sending.models import Message, RelayUse

# Whole minutes that the rate looks back, beside the one that runs.
MINUTES = 2
# Mailings whose replies are looked at, and messages of each.
MAILINGS, MESSAGES = 5, 1000
GROUPS = 8

# By mailing, not by message: no index leads from a relay to its messages, and needs none. A pool's
# minutes count for the member alone that carries it now, so members of a live pool share them.
RATE = """
SELECT r.id, sum(t.accepted + t.failed), bool_or(m.pool_id IS NOT NULL)
  FROM sending_relay r
  JOIN sending_mailing m
    ON m.relay_id = r.id
    OR m.pool_id IN (SELECT pool_id FROM sending_poolmember p WHERE p.relay_id = r.id)
  JOIN sending_tallyminute t
    ON t.mailing_id = m.id AND t.minute >= %(since)s
 WHERE r.id = ANY(%(relays)s)
   AND (m.state IN ('sending', 'paused') OR m.finished_at >= %(since)s)
 GROUP BY r.id
"""

# Of each recent mailing the newest that were not accepted and those that are to be tried again,
# each by an index of its own (message_not_accepted, message_due) and cut off.
REPLIES = """
SELECT found.state, found.reply, count(*), max(found.settled_at)
  FROM unnest(%(mailings)s::bigint[]) AS mailing (id)
 CROSS JOIN LATERAL (
       (SELECT state, reply, relay_id, settled_at FROM sending_message
         WHERE mailing_id = mailing.id AND state IN (3, 4, 5) LIMIT %(messages)s)
       UNION ALL
       (SELECT state, reply, relay_id, settled_at FROM sending_message
         WHERE mailing_id = mailing.id AND state = 0
         ORDER BY due_at DESC LIMIT %(messages)s)) found
 WHERE found.relay_id = %(relay)s AND found.reply <> ''
 GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Rate:
    per_second: float
    # Others of a pool have their share in it.
    shared: bool


@dataclass(frozen=True, slots=True)
class Used:
    hour: int = 0
    day: int = 0


@dataclass(slots=True)
class Said:
    """What a server said, without what differs from mail to mail; `words` is one as it came."""

    state: str
    words: str
    count: int
    last_at: datetime | None


def rates(relay_ids: Sequence[int]) -> dict[int, Rate]:
    """Messages per second over the last minutes; relays without any are absent."""
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    seconds = MINUTES * 60 + (now - minute).total_seconds()
    since = minute - timedelta(minutes=MINUTES)
    known: dict[str, Any] = {"relays": list(relay_ids), "since": since}
    with connection.cursor() as cursor:
        cursor.execute(RATE, known)
        rows = cursor.fetchall()
    return {pk: Rate(int(total) / seconds, bool(pool)) for pk, total, pool in rows if total}


def uses(relay_ids: Sequence[int]) -> dict[int, Used]:
    """Messages of this UTC hour and day, which limits are held against."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = (
        RelayUse.objects.filter(relay_id__in=relay_ids, hour__gte=hour.replace(hour=0))
        .values("relay_id")
        .annotate(day=Sum("count"), now=Sum("count", default=0, filter=Q(hour=hour)))
    )
    return {row["relay_id"]: Used(row["now"], row["day"]) for row in rows}


def last_replies(relay_id: int, mailing_ids: Sequence[int]) -> list[Said]:
    """What servers said about messages that were not accepted, the most frequent first."""
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
