"""What the judgement about machines needs to know of messages, and what it changes afterwards."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from sending import blocks
from sending.queries.events import LOCK
from sending.queries.states import sql

# Events of one message that are read at most. Who sends more at once only spoils the judgement.
MOST = 100
ACCEPTED = sql("""
SELECT id, settled_at FROM sending_message m
 WHERE id = ANY(%(messages)s) AND state = $ACCEPTED AND {m}
""")
# By the index of events on the message.
EVENTS = """
SELECT w.message_id, e.id, e.kind, e.at, e.link, e.actor
  FROM unnest(%(messages)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[])
       AS w (message_id, since, until)
 CROSS JOIN LATERAL (
       SELECT id, kind, at, link, actor FROM sending_event e
        WHERE e.message_id = w.message_id AND e.kind IN ('opened', 'clicked')
          AND e.at BETWEEN w.since AND w.until AND {e}
        ORDER BY id DESC LIMIT %(most)s) e
"""


@dataclass(frozen=True, slots=True)
class StoredAct:
    id: int
    kind: str
    at: datetime
    link: int | None
    actor: int


@dataclass(frozen=True, slots=True)
class Around:
    """`accepted_at`: None if no server has accepted the message."""

    accepted_at: datetime | None
    events: list[StoredAct]


Span = tuple[datetime, datetime]


def around(spans: Mapping[int, Span]) -> dict[int, Around]:
    """{message id: what is known about it}, with its opens and clicks in the span. Locks the
    messages first, so that two workers that record a burst in two pieces see each other. Needs a
    transaction."""
    messages = sorted(spans)
    among = {blocks.of_message(number) for number in messages}
    of_messages, of_events = (blocks.within(among, f"{alias}.mailing_id") for alias in "me")
    given: dict[str, Any] = {
        "messages": messages,
        "since": [spans[number][0] for number in messages],
        "until": [spans[number][1] for number in messages],
        "most": MOST,
    }
    events: dict[int, list[StoredAct]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(LOCK.replace("{m}", of_messages), given)
        cursor.execute(ACCEPTED.replace("{m}", of_messages), given)
        accepted = dict(cursor.fetchall())
        cursor.execute(EVENTS.replace("{e}", of_events), given)
        for message, *row in cursor.fetchall():
            events[message].append(StoredAct(*row))
    return {number: Around(accepted.get(number), events[number]) for number in messages}


CHANGE = """
UPDATE sending_event e SET actor = c.actor
  FROM unnest(%(ids)s::bigint[], %(actors)s::smallint[]) AS c (id, actor)
 WHERE e.id = c.id AND e.message_id = ANY(%(messages)s) AND e.actor <= 0 AND {e}
RETURNING e.message_id, e.kind, e.at
"""
# For one kind of event. Its first time by a person becomes that of another event or null, and its
# minute loses what was counted there. {column}, {kind}, {bit}: of the message's column.
AGAIN = """
WITH touched AS (
  SELECT message_id, min(at) AS at
    FROM unnest(%(touched)s::bigint[], %(ats)s::timestamptz[]) AS t (message_id, at) GROUP BY 1),
known AS (
  SELECT m.id, m.mailing_id, m.{column} AS was, t.at, m.machines & {bit} = 0 AS fresh,
         (SELECT min(e.at) FROM sending_event e
           WHERE e.message_id = m.id AND e.kind = '{kind}' AND e.actor <= 0 AND {e}) AS becomes
    FROM touched t JOIN sending_message m ON m.id = t.message_id AND {m}),
moved AS (
  UPDATE sending_message m SET {column} = k.becomes, machines = m.machines | {bit}
    FROM known k WHERE m.id = k.id AND {m})
SELECT mailing_id, date_trunc('minute', at) AS minute, sum(people), sum(machines)
  FROM (SELECT mailing_id, was AS at, -1 AS people, 0 AS machines FROM known WHERE was IS NOT NULL
         UNION ALL
        SELECT mailing_id, becomes, 1, 0 FROM known
         WHERE was IS NOT NULL AND becomes IS NOT NULL
         UNION ALL
        SELECT mailing_id, at, 0, 1 FROM known WHERE fresh) x
 GROUP BY 1, 2 HAVING sum(people) <> 0 OR sum(machines) <> 0 ORDER BY 1, 2
"""
# The tally's row is locked first, as everywhere.
TALLY = """
UPDATE sending_tally t
   SET {name} = t.{name} + f.people, machine_{name} = t.machine_{name} + f.machines
  FROM (SELECT mailing_id, sum(people) AS people, sum(machines) AS machines
          FROM unnest(%(mailings)s::bigint[], %(people)s::int[], %(machines)s::int[])
               AS f (mailing_id, people, machines) GROUP BY 1 ORDER BY 1) f
 WHERE t.mailing_id = f.mailing_id
"""
MINUTES = """
INSERT INTO sending_tallyminute
       (mailing_id, minute, accepted, failed, bounced, opened, clicked, unsubscribed)
SELECT mailing_id, minute, 0, 0, 0, 0, 0, 0
  FROM unnest(%(mailings)s::bigint[], %(minutes)s::timestamptz[]) AS f (mailing_id, minute)
ON CONFLICT (mailing_id, minute) DO NOTHING
"""
MINUTE_COUNTS = """
UPDATE sending_tallyminute t
   SET {name} = t.{name} + f.people, machine_{name} = t.machine_{name} + f.machines
  FROM unnest(%(mailings)s::bigint[], %(minutes)s::timestamptz[], %(people)s::int[],
              %(machines)s::int[]) AS f (mailing_id, minute, people, machines)
 WHERE t.mailing_id = f.mailing_id AND t.minute = f.minute
"""
# {kind: (column of the first time, bit of Message.machines)}
COLUMNS = {"opened": ("opened_at", 1), "clicked": ("clicked_at", 2)}


def correct(actors: Mapping[int, int], message_ids: Iterable[int]) -> None:
    """Gives stored events of these messages, {id of the event: actor}, a machine as their actor, in
    place of a person: a burst may reach the database in several pieces, of which the first looked
    like a person. Moves times and counts along. Needs a transaction that locked the messages."""
    messages = sorted(set(message_ids))
    among = {blocks.of_message(number) for number in messages}
    of_messages, of_events = (blocks.within(among, f"{alias}.mailing_id") for alias in "me")

    def within(statement: str) -> str:
        return statement.replace("{m}", of_messages).replace("{e}", of_events)

    given = {"ids": list(actors), "actors": list(actors.values()), "messages": messages}
    with connection.cursor() as cursor:
        cursor.execute(within(CHANGE), given)
        changed = cursor.fetchall()
        for kind, (column, bit) in COLUMNS.items():
            rows = [(message, at) for message, of_kind, at in changed if of_kind == kind]
            if not rows:
                continue
            again = AGAIN.replace("{column}", column).replace("{kind}", kind)
            touched = {"touched": [row[0] for row in rows], "ats": [row[1] for row in rows]}
            cursor.execute(within(again.replace("{bit}", str(bit))), touched)
            _count(cursor, kind, cursor.fetchall())


def _count(cursor: Any, name: str, rows: list[tuple[int, datetime, int, int]]) -> None:
    counts = {
        "mailings": [row[0] for row in rows],
        "minutes": [row[1] for row in rows],
        "people": [int(row[2]) for row in rows],
        "machines": [int(row[3]) for row in rows],
    }
    for statement in (TALLY, MINUTES, MINUTE_COUNTS):
        cursor.execute(statement.replace("{name}", name), counts)
