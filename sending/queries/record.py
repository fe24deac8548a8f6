"""Writes what became of a batch: one transaction for all of its messages."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from sending.models import Message
from sending.queries.claim import Claim

State = Message.State
log = logging.getLogger(__name__)


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


# Who lost the lease, and whose messages another worker holds by now, records nothing.
MINE = """
SELECT ids, mailing_id, relay_id FROM sending_batch
 WHERE id = %(batch)s AND holder = %(holder)s AND epoch = %(epoch)s FOR UPDATE
"""

# Nearly all of them: no column of an index changes, so that the new row stands beside the old one.
ACCEPT = """
UPDATE sending_message m
   SET state = 2, reason = '', reply = r.reply, attempts = m.attempts + 1, settled_at = now(),
       relay_id = %(relay)s
  FROM unnest(%(ids)s::bigint[], %(replies)s::text[]) AS r (id, reply)
 WHERE m.id = r.id AND m.state = 0
RETURNING m.id
"""

SETTLE = """
UPDATE sending_message m
   SET state = r.state, reason = r.reason,
       reply = CASE WHEN r.reply = '' AND r.state = 0 THEN m.reply ELSE r.reply END,
       retry_at = CASE WHEN r.state = 0 THEN coalesce(r.due_at, now()) END,
       attempts = m.attempts + CASE WHEN r.attempt THEN 1 ELSE 0 END,
       settled_at = CASE WHEN r.state = 0 THEN NULL ELSE now() END,
       relay_id = %(relay)s
  FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(reasons)s::text[], %(replies)s::text[],
              %(dues)s::timestamptz[], %(attempts)s::bool[])
       AS r (id, state, reason, reply, due_at, attempt)
 WHERE m.id = r.id AND m.state = 0
RETURNING m.id, m.state
"""

# What has no result yet; given back when the batch ends.
KEEP = "UPDATE sending_batch SET ids = %(left)s WHERE id = %(batch)s"
GIVE_BACK = """
UPDATE sending_batch SET ids = %(left)s, holder = '', leased_until = NULL, epoch = epoch + 1
 WHERE id = %(batch)s
"""
END = "DELETE FROM sending_batch WHERE id = %(batch)s"

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
def record(claim: Claim, results: Sequence[Result], *, ends: bool = True) -> set[int]:
    """Settles messages of a batch. When it ends, those without a result are given back.

    Returns the ids that were written: a message that was taken from the batch isn't among them.
    """
    known: dict[str, Any] = {
        "batch": claim.batch_id,
        "holder": claim.holder,
        "epoch": claim.epoch,
    }
    with connection.cursor() as cursor:
        cursor.execute(MINE, known)
        row = cursor.fetchone()
        if row is None:
            log.warning("batch %s was taken from its worker: nothing recorded", claim.batch_id)
            return set()
        held, mailing_id, relay_id = row
        known |= {"mailing": mailing_id, "relay": relay_id}
        mine = set(held)
        written = _settle(cursor, known, [r for r in results if r.message_id in mine])
        left = [number for number in held if number not in written]
        if left:
            cursor.execute(GIVE_BACK if ends else KEEP, known | {"left": left})
        elif ends:
            cursor.execute(END, known)
        else:
            cursor.execute(KEEP, known | {"left": []})
        counts = _count(list(written.values()), len(left) if ends else 0)
        if counts["all"]:
            cursor.execute(TALLY, counts | known)
        if counts["accepted"] or counts["failed"]:
            cursor.execute(MINUTE, counts | known)
    return set(written)


def _settle(cursor: Any, known: dict[str, Any], results: Sequence[Result]) -> dict[int, int]:
    """{message id: its new state}"""
    written: dict[int, int] = {}
    taken = [r for r in results if r.state == State.ACCEPTED]
    if taken:
        columns = {"ids": [r.message_id for r in taken], "replies": [_text(r) for r in taken]}
        cursor.execute(ACCEPT, known | columns)
        written |= dict.fromkeys((row[0] for row in cursor.fetchall()), int(State.ACCEPTED))
    rest = [r for r in results if r.state != State.ACCEPTED]
    if rest:
        cursor.execute(SETTLE, known | _columns(rest))
        written |= dict(cursor.fetchall())
    return written


def _columns(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "ids": [r.message_id for r in results],
        "states": [int(r.state) for r in results],
        "reasons": [r.reason for r in results],
        "replies": [_text(r) for r in results],
        "dues": [r.due_at for r in results],
        "attempts": [r.attempt for r in results],
    }


def _text(result: Result) -> str:
    """PostgreSQL has no NUL in text; a hostile server may send one."""
    return result.reply.replace("\x00", "\ufffd")[:2000]


def _count(states: list[int], released: int) -> dict[str, int]:
    return {
        "all": len(states) + released,
        "waiting": states.count(State.WAITING) + released,
        "accepted": states.count(State.ACCEPTED),
        "failed": states.count(State.FAILED),
        "skipped": states.count(State.SKIPPED),
        "unknown": states.count(State.UNKNOWN),
    }
