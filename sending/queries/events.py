"""Events: what happened to messages after they were handed over, written in sets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from sending import blocks
from sending.machines import Actor
from sending.models import Event
from sending.queries import answers, openpixels
from sending.queries.states import sql

Kind = Event.Kind
BOUNCES = [str(Kind.HARD_BOUNCED), str(Kind.SOFT_BOUNCED), str(Kind.BLOCKED)]


@dataclass(frozen=True, slots=True)
class EventRow:
    message_id: int
    kind: str
    at: datetime
    # The link's number, for a click.
    link: int | None = None
    detail: str = ""
    # For an open or click: who did it (sending.machines.Actor).
    actor: int = 0


# Locks the messages: one writer at a time decides which event is the first.
LOCK = """
SELECT id FROM sending_message m WHERE id = ANY(%(messages)s) AND {m} ORDER BY id FOR UPDATE
"""
# `fresh`: the first of its kind for its message, so that a tally counts messages, not events; opens
# and clicks of machines are kinds of their own. `first_bounce`: the message's
# first bounce of any kind. Events of messages that no
# longer exist are ignored. {m} and {e} restrict the statement to the blocks of these messages
# (sending.blocks).
INSERT = """
WITH given AS (
  SELECT m.mailing_id, m.contact_id, r.*
    FROM unnest(%(messages)s::bigint[], %(kinds)s::text[], %(ats)s::timestamptz[],
                %(links)s::smallint[], %(actors)s::smallint[], %(details)s::text[])
         AS r (message_id, kind, at, link, actor, detail)
    JOIN sending_message m ON m.id = r.message_id AND {m}),
fresh AS (
  SELECT mailing_id, message_id, contact_id, kind, actor > 0 AS machine, min(at) AS at FROM given g
   WHERE NOT EXISTS (SELECT 1 FROM sending_event e
                      WHERE e.message_id = g.message_id AND e.kind = g.kind
                        AND (e.actor > 0) = (g.actor > 0) AND {e})
   GROUP BY 1, 2, 3, 4, 5),
stored AS (
  INSERT INTO sending_event (mailing_id, message_id, contact_id, kind, at, link, actor, detail)
  SELECT mailing_id, message_id, contact_id, kind, at, link, actor, detail FROM given)
SELECT mailing_id, message_id, kind, at, machine,
       kind = ANY(%(bounces)s)
       AND 1 = row_number() OVER (PARTITION BY message_id, kind = ANY(%(bounces)s)
                                  ORDER BY at, kind)
       AND NOT EXISTS (SELECT 1 FROM sending_event e
                        WHERE e.message_id = fresh.message_id AND e.kind = ANY(%(bounces)s)
                          AND {e}),
       contact_id
  FROM fresh
"""

# Opens and clicks of machines set bits instead of times (Message.MACHINE_OPENED, ...).
FIRST_TIMES = """
UPDATE sending_message m
   SET bounced_at = coalesce(m.bounced_at, f.bounced), opened_at = coalesce(m.opened_at, f.opened),
       clicked_at = coalesce(m.clicked_at, f.clicked), machines = m.machines | f.bits::smallint
  FROM (SELECT message_id, min(at) FILTER (WHERE kind = ANY(%(bounces)s)) AS bounced,
               min(at) FILTER (WHERE kind = 'opened' AND NOT machine) AS opened,
               min(at) FILTER (WHERE kind = 'clicked' AND NOT machine) AS clicked,
               bit_or(CASE WHEN NOT machine THEN 0 WHEN kind = 'opened' THEN 1 ELSE 2 END) AS bits
          FROM unnest(%(messages)s::bigint[], %(kinds)s::text[], %(ats)s::timestamptz[],
                      %(machines)s::boolean[]) AS f (message_id, kind, at, machine)
         GROUP BY 1) f
 WHERE m.id = f.message_id AND {m}
"""
# Message.HIDDEN, once for each message. Apart from FIRST_TIMES: the proxy may come after another
# machine, and then its open is not the first.
HIDE = sql("""
UPDATE sending_message m SET machines = m.machines | 4
 WHERE m.id = ANY(%(hidden)s) AND m.machines & 4 = 0 AND {m}
RETURNING m.mailing_id, m.contact_id, m.state = $ACCEPTED
""")

# An event of an unknown message proves that the server accepted it, at the time when it was handed
# over. The minutes join `moved`, so that the tally's row is locked first, as everywhere.
SETTLE_UNKNOWN = sql("""
WITH settled AS (
  UPDATE sending_message m SET state = $ACCEPTED, reason = ''
   WHERE id = ANY(%(messages)s) AND state = $UNKNOWN AND {m}
  RETURNING mailing_id, counts_opens, date_trunc('minute', coalesce(settled_at, now())) AS minute),
counted AS (
  SELECT mailing_id, count(*) AS n, count(*) FILTER (WHERE counts_opens) AS pixels
    FROM settled GROUP BY 1 ORDER BY 1),
moved AS (
  UPDATE sending_tally t
     SET unknown = unknown - n, accepted = accepted + n, with_pixel = with_pixel + pixels
    FROM counted WHERE t.mailing_id = counted.mailing_id
  RETURNING t.mailing_id)
INSERT INTO sending_tallyminute
       (mailing_id, minute, accepted, failed, bounced, opened, clicked, unsubscribed)
SELECT mailing_id, minute, count(*), 0, 0, 0, 0, 0
  FROM settled JOIN moved USING (mailing_id)
 GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (mailing_id, minute) DO UPDATE
   SET accepted = sending_tallyminute.accepted + excluded.accepted
""")

COUNTS = """
       count(*) FILTER (WHERE first_bounce) AS bounced,
       count(*) FILTER (WHERE kind = 'hard_bounced') AS hard,
       count(*) FILTER (WHERE kind = 'soft_bounced') AS soft,
       count(*) FILTER (WHERE kind = 'blocked') AS blocked,
       count(*) FILTER (WHERE kind = 'complained') AS complained,
       count(*) FILTER (WHERE kind = 'unsubscribed') AS unsubscribed,
       count(*) FILTER (WHERE kind = 'opened' AND NOT machine) AS opened,
       count(*) FILTER (WHERE kind = 'clicked' AND NOT machine) AS clicked,
       count(*) FILTER (WHERE kind = 'opened' AND machine) AS machine_opened,
       count(*) FILTER (WHERE kind = 'clicked' AND machine) AS machine_clicked
  FROM unnest(%(mailings)s::bigint[], %(kinds)s::text[], %(ats)s::timestamptz[],
              %(machines)s::boolean[], %(firsts)s::boolean[])
       AS f (mailing_id, kind, at, machine, first_bounce)
"""

TALLY = f"""
UPDATE sending_tally t
   SET bounced = t.bounced + f.bounced, hard_bounced = hard_bounced + hard,
       soft_bounced = soft_bounced + soft, blocked = t.blocked + f.blocked,
       complained = t.complained + f.complained, unsubscribed = t.unsubscribed + f.unsubscribed,
       opened = t.opened + f.opened, clicked = t.clicked + f.clicked,
       machine_opened = t.machine_opened + f.machine_opened,
       machine_clicked = t.machine_clicked + f.machine_clicked
  FROM (SELECT mailing_id, {COUNTS} GROUP BY 1 ORDER BY 1) f
 WHERE t.mailing_id = f.mailing_id
"""  # noqa: S608 - only constants

MINUTES = f"""
WITH {answers.ADDED}
INSERT INTO sending_tallyminute
       (mailing_id, minute, accepted, failed, bounced, opened, clicked, unsubscribed,
        machine_opened, machine_clicked)
SELECT mailing_id, minute, 0, 0, bounced, opened, clicked, unsubscribed,
       machine_opened, machine_clicked
  FROM (SELECT mailing_id, date_trunc('minute', at) AS minute, {COUNTS} GROUP BY 1, 2) f
 ORDER BY 1, 2
ON CONFLICT (mailing_id, minute) DO UPDATE
   SET bounced = sending_tallyminute.bounced + excluded.bounced,
       opened = sending_tallyminute.opened + excluded.opened,
       clicked = sending_tallyminute.clicked + excluded.clicked,
       machine_opened = sending_tallyminute.machine_opened + excluded.machine_opened,
       machine_clicked = sending_tallyminute.machine_clicked + excluded.machine_clicked,
       unsubscribed = sending_tallyminute.unsubscribed + excluded.unsubscribed
"""  # noqa: S608 - only constants


def _countable(rows: list[EventRow]) -> list[EventRow]:
    """Without opens of people whose opens are not counted. Asked after the messages are locked: a
    consent that was withdrawn before is seen, and a later withdrawal waits and then sees these
    events."""
    opened = {row.message_id for row in rows if row.kind == Kind.OPENED}
    if not opened:
        return rows
    counted = openpixels.counted(opened)
    return [row for row in rows if row.kind != Kind.OPENED or row.message_id in counted]


def _columns(rows: list[EventRow]) -> dict[str, Any]:
    return {
        "messages": [row.message_id for row in rows],
        "kinds": [str(row.kind) for row in rows],
        "ats": [row.at for row in rows],
        "links": [row.link for row in rows],
        "actors": [row.actor for row in rows],
        "hidden": [row.message_id for row in rows if row.actor == Actor.PRIVACY_PROXY],
        "bounces": BOUNCES,
        "details": [row.detail.replace("\x00", "\ufffd")[:2000] for row in rows],
    }


@transaction.atomic
def record(events: Iterable[EventRow], *, locked: bool = False) -> None:
    """Stores events and updates the counts, in one transaction. Opens are stored only of messages
    whose opens are counted (queries.openpixels). `locked`: the transaction has locked the messages
    already (queries.actors)."""
    rows = sorted(events, key=lambda event: event.message_id)  # one order: no deadlocks
    if not rows:
        return
    among = {blocks.of_message(row.message_id) for row in rows}
    of_messages, of_events = (blocks.within(among, f"{alias}.mailing_id") for alias in "me")

    def within(statement: str) -> str:
        return statement.replace("{m}", of_messages).replace("{e}", of_events)

    with connection.cursor() as cursor:
        if not locked:
            cursor.execute(within(LOCK), {"messages": [row.message_id for row in rows]})
        given = _columns(_countable(rows))
        if not given["messages"]:
            return
        cursor.execute(within(INSERT), given)
        fresh = cursor.fetchall()
        cursor.execute(within(SETTLE_UNKNOWN), given)
        hidden = []
        if given["hidden"]:
            cursor.execute(within(HIDE), given)
            hidden = [(mailing, contact) for mailing, contact, sent in cursor.fetchall() if sent]
        if not fresh and not hidden:
            return
        if not {row[0] for row in hidden} <= {row[0] for row in fresh}:
            answers.lock(row[0] for row in (*fresh, *hidden))
        counted: dict[str, Any] = {
            "bounces": BOUNCES,
            "mailings": [row[0] for row in fresh],
            "messages": [row[1] for row in fresh],
            "kinds": [row[2] for row in fresh],
            "ats": [row[3] for row in fresh],
            "machines": [row[4] for row in fresh],
            "firsts": [row[5] for row in fresh],
        } | _said(fresh, hidden)
        for statement in (FIRST_TIMES, TALLY, MINUTES):
            cursor.execute(within(statement), counted)


def _said(fresh: list[Any], hidden: list[tuple[int, int | None]]) -> dict[str, list[Any]]:
    """What it adds to the bits that segments read. `hidden`: (mailing, contact)."""
    said = [
        (mailing, contact, kind)
        for mailing, _message, event, _at, machine, _first, contact in fresh
        for kind in answers.SAYS.get((event, machine), ())
    ]
    said += [(mailing, contact, answers.Kind.UNKNOWN) for mailing, contact in hidden]
    return answers.added(said)
