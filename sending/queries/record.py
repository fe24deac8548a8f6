"""Writes what became of a batch: one transaction for all of its messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from sending.models import Batch, Message

State = Message.State


@dataclass(frozen=True, slots=True)
class Result:
    """What a message comes to. `due_at` only for one that waits again."""

    message_id: int
    state: int
    reason: str = ""
    reply: str = ""
    due_at: datetime | None = None
    # Whether this was an attempt that counts.
    attempt: bool = True


# Only rows that this batch still holds: a worker that lost its lease writes over nobody.
SETTLE = """
UPDATE sending_message m
   SET state = r.state, reason = r.reason,
       reply = CASE WHEN r.reply = '' AND r.state = 0 THEN m.reply ELSE r.reply END,
       due_at = coalesce(r.due_at, m.due_at),
       attempts = m.attempts + CASE WHEN r.attempt THEN 1 ELSE 0 END,
       batch_id = NULL,
       settled_at = CASE WHEN r.state = 0 THEN NULL ELSE now() END
  FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(reasons)s::text[], %(replies)s::text[],
              %(dues)s::timestamptz[], %(attempts)s::bool[])
       AS r (id, state, reason, reply, due_at, attempt)
 WHERE m.id = r.id AND m.batch_id = %(batch)s AND m.state = 1
RETURNING m.id, r.state
"""

TALLY = """
UPDATE sending_tally
   SET in_flight = in_flight - %(all)s, waiting = waiting + %(waiting)s,
       accepted = accepted + %(accepted)s, failed = failed + %(failed)s,
       skipped = skipped + %(skipped)s, unknown = unknown + %(unknown)s
 WHERE mailing_id = %(mailing)s
"""

MINUTE = """
INSERT INTO sending_tallyminute
       (mailing_id, minute, accepted, failed, bounced, opened, clicked, unsubscribed)
VALUES (%(mailing)s, date_trunc('minute', now()), %(accepted)s, %(failed)s, 0, 0, 0, 0)
ON CONFLICT (mailing_id, minute) DO UPDATE
   SET accepted = sending_tallyminute.accepted + excluded.accepted,
       failed = sending_tallyminute.failed + excluded.failed
"""


@transaction.atomic
def record(batch: Batch, results: Sequence[Result]) -> set[int]:
    """Settles the batch's messages and ends it; messages without a result go back to waiting.

    Returns the ids that were written: a message that was taken from the batch isn't among them.
    """
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, _columns(batch, results))
        rows = cursor.fetchall()
        cursor.execute(
            "UPDATE sending_message SET state = 0, batch_id = NULL"
            " WHERE batch_id = %s AND state = 1",
            [batch.pk],
        )
        released = cursor.rowcount
        counts = _count([state for _, state in rows], released)
        cursor.execute(TALLY, counts | {"mailing": batch.mailing_id})
        if counts["accepted"] or counts["failed"]:
            cursor.execute(MINUTE, counts | {"mailing": batch.mailing_id})
    batch.delete()
    return {message_id for message_id, _ in rows}


def _columns(batch: Batch, results: Sequence[Result]) -> dict[str, Any]:
    return {
        "batch": batch.pk,
        "ids": [r.message_id for r in results],
        "states": [int(r.state) for r in results],
        "reasons": [r.reason for r in results],
        # PostgreSQL has no NUL in text; a hostile server may send one.
        "replies": [r.reply.replace("\x00", "\ufffd")[:2000] for r in results],
        "dues": [r.due_at for r in results],
        "attempts": [r.attempt for r in results],
    }


def _count(states: list[int], released: int) -> dict[str, int]:
    return {
        "all": len(states) + released,
        "waiting": states.count(State.WAITING) + released,
        "accepted": states.count(State.ACCEPTED),
        "failed": states.count(State.FAILED),
        "skipped": states.count(State.SKIPPED),
        "unknown": states.count(State.UNKNOWN),
    }
