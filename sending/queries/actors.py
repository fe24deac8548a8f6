"""What the judgement about machines needs to know of messages, and what it changes afterwards."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.erasures import DOMAIN
from sending import blocks
from sending.machines import KINDS
from sending.queries import answers
from sending.queries.states import sql

# Events of one message that are read at most. Who sends more at once only spoils the judgement.
MOST = 100
# Locks the messages as queries.events does. Index: the primary key. Without those of erased persons
# (queries.erasing), of whom nothing new is stored: the address stands for nobody, the contact is 0,
# or the message waited when the person was erased.
KNOWN = sql(f"""
SELECT id, CASE WHEN state = $ACCEPTED AND settled_at > %(since)s THEN settled_at END,
       clicked_at IS NOT NULL OR machines & 2 > 0
  FROM sending_message m
 WHERE id = ANY(%(messages)s) AND {{m}} AND contact_id IS DISTINCT FROM 0
   AND split_part(address, '@', 2) <> '{DOMAIN}'
   AND NOT EXISTS (SELECT FROM sending_waitingerasure w WHERE w.message_id = m.id)
 ORDER BY id FOR UPDATE OF m
""")  # noqa: S608 - only a constant of ours
# Of one block, by the index of its events on the message. The statement names the block's partition
# and no kind: with a condition on either, PostgreSQL takes an index that begins with the mailing
# while its statistics are old, and reads all events of the block for each message.
EVENTS = """
SELECT w.message_id, e.id, e.kind, e.at, e.link, e.actor
  FROM unnest(%(messages)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[])
       AS w (message_id, since, until)
 CROSS JOIN LATERAL (
       SELECT id, kind, at, link, actor FROM sending_event e
        WHERE e.message_id = w.message_id AND e.at BETWEEN w.since AND w.until
        ORDER BY at DESC LIMIT %(most)s) e
 WHERE w.message_id >> {bits} = {block}
"""


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """`accepted_at`: None if no server has accepted the message, or long ago. `clicked`: clicks are
    stored, of people or machines."""

    accepted_at: datetime | None
    clicked: bool


@dataclass(frozen=True, slots=True)
class StoredAct:
    id: int
    kind: str
    at: datetime
    link: int | None
    actor: int


Span = tuple[datetime, datetime]


def lock(message_ids: Iterable[int], *, since: datetime) -> dict[int, KnownMessage]:
    """Those of the messages that still exist, and whose person is not erased. They are locked, so
    that two workers that record a burst in two pieces see each other. Needs a transaction.
    `since`: an acceptance before it was long ago. Most are, and their times are not read."""
    messages = sorted(set(message_ids))
    among = {blocks.of_message(number) for number in messages}
    with connection.cursor() as cursor:
        known = KNOWN.replace("{m}", blocks.within(among, "m.mailing_id"))
        cursor.execute(known, {"messages": messages, "since": since})
        return {row[0]: KnownMessage(row[1], row[2]) for row in cursor.fetchall()}


def around(spans: Mapping[int, Span]) -> dict[int, list[StoredAct]]:
    """The stored opens and clicks of these messages in their spans, by the messages' ids."""
    found: dict[int, list[StoredAct]] = defaultdict(list)
    if not spans:
        return found
    given: dict[str, Any] = {
        "messages": list(spans),
        "since": [span[0] for span in spans.values()],
        "until": [span[1] for span in spans.values()],
        "most": MOST,
    }
    known = EVENTS.replace("{bits}", str(blocks.BITS))
    parts = (
        blocks.of_block(known, block).replace("{block}", str(block))
        for block in sorted({blocks.of_message(number) for number in spans})
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), given)
        for message, *row in cursor.fetchall():
            act = StoredAct(*row)
            if act.kind in KINDS:
                found[message].append(act)
    return found


# The following statements are of one block, too.
CHANGE = """
UPDATE sending_event e SET actor = c.actor
  FROM unnest(%(ids)s::bigint[], %(actors)s::smallint[]) AS c (id, actor)
 WHERE e.id = c.id AND e.message_id = ANY(%(messages)s) AND e.actor <= 0
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
           WHERE e.message_id = m.id AND e.kind = '{kind}' AND e.actor <= 0) AS becomes
    FROM touched t JOIN sending_message m ON m.id = t.message_id),
moved AS (
  UPDATE sending_message m SET {column} = k.becomes, machines = m.machines | {bit}
    FROM known k WHERE m.id = k.id)
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
    messages: dict[int, list[int]] = defaultdict(list)
    for number in sorted(set(message_ids)):
        messages[blocks.of_message(number)].append(number)
    given: dict[str, Any] = {"ids": list(actors), "actors": list(actors.values())}
    with connection.cursor() as cursor:
        for block, some in messages.items():
            cursor.execute(blocks.of_block(CHANGE, block), given | {"messages": some})
            _move(cursor, block, cursor.fetchall())
    answers.look_again(message_ids)


def _move(cursor: Any, block: int, changed: list[tuple[int, str, datetime]]) -> None:
    for kind, (column, bit) in COLUMNS.items():
        rows = [(message, at) for message, of_kind, at in changed if of_kind == kind]
        if not rows:
            continue
        again = AGAIN.replace("{column}", column).replace("{kind}", kind)
        again = blocks.of_block(again.replace("{bit}", str(bit)), block)
        touched = {"touched": [row[0] for row in rows], "ats": [row[1] for row in rows]}
        cursor.execute(again, touched)
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
