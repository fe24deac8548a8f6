"""Writes what became of a batch: one transaction for all of its messages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from environment import logs
from sending import blocks
from sending.models import Message
from sending.queries.claim import Claim
from sending.queries.states import sql
from smtp.accepted import Accepted

State = Message.State
log = logs.get(__name__)
# What a batch comes to, for its log line.
OUTCOMES = ("accepted", "failed", "skipped", "unknown")
# Between the replies of one statement: the unit separator of ASCII.
BETWEEN = "\x1f"


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
    # An address that was refused, and nobody knows yet whether rightly (services.verdicts).
    unjudged: bool = False


# Who lost the lease, and whose messages another worker holds by now, records nothing.
MINE = """
SELECT ids, mailing_id, relay_id FROM sending_batch
 WHERE id = %(batch)s AND holder = %(holder)s AND epoch = %(epoch)s FOR UPDATE
"""

# "state + 0" hides from the planner how few of a table may wait (one, it thinks, when all mailings
# it has counted are done): it would compare each row of the table with each of the batch. The range
# is for it, too: most batches are neighbours, found by one walk along the key.
OPEN = sql("m.id = r.id AND m.id BETWEEN %(first)s AND %(last)s AND m.state + 0 = $WAITING")

# Nearly all of them: no column of an index changes, so that the new row stands beside the old one.
# Both lists come as one text each: to write an array takes ten times as long.
ACCEPT = sql(f"""
UPDATE sending_message m
   SET state = $ACCEPTED, reason = '', reply = coalesce(r.reply, ''), attempts = m.attempts + 1,
       settled_at = now(), relay_id = %(relay)s
  FROM unnest(string_to_array(%(ids)s, ',')::bigint[], string_to_array(%(replies)s, %(between)s))
       AS r (id, reply)
 WHERE {OPEN}
RETURNING m.id
""")  # noqa: S608 - only constants of ours

SETTLE = sql(f"""
UPDATE sending_message m
   SET state = r.state, reason = r.reason,
       reply = CASE WHEN r.reply = '' AND r.state = $WAITING THEN m.reply ELSE r.reply END,
       retry_at = CASE WHEN r.state = $WAITING THEN coalesce(r.due_at, now()) END,
       attempts = m.attempts + CASE WHEN r.attempt THEN 1 ELSE 0 END,
       settled_at = CASE WHEN r.state = $WAITING THEN NULL ELSE now() END,
       relay_id = %(relay)s
  FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(reasons)s::text[], %(replies)s::text[],
              %(dues)s::timestamptz[], %(attempts)s::bool[])
       AS r (id, state, reason, reply, due_at, attempt)
 WHERE {OPEN}
RETURNING m.id, m.state
""")  # noqa: S608 - only constants of ours

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
       skipped = skipped + %(skipped)s, unknown = unknown + %(unknown)s,
       unjudged_since = CASE WHEN %(unjudged)s THEN coalesce(unjudged_since, now())
                             ELSE unjudged_since END
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
def record(
    claim: Claim, results: Sequence[Result], accepted: Accepted | None = None, *, ends: bool = True
) -> set[int]:
    """Settles messages of a batch. When it ends, those without a result are given back. `results`
    has those that were not `accepted`.

    Returns the ids that were written: a message that another worker took over is not among them.
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
            log.warning("batch taken over by another worker", batch=claim.batch_id)
            return set()
        claimed, mailing_id, relay_id = row
        known |= {"mailing": mailing_id, "relay": relay_id}
        known |= {"first": min(claimed, default=0), "last": max(claimed, default=0)}
        mine = set(claimed)
        written = _accept(cursor, known, accepted, mine) if accepted else {}
        written |= _settle(cursor, known, [r for r in results if r.message_id in mine])
        left = [number for number in claimed if number not in written]
        if left:
            cursor.execute(GIVE_BACK if ends else KEEP, known | {"left": left})
        elif ends:
            cursor.execute(END, known)
        else:
            cursor.execute(KEEP, known | {"left": []})
        counts = _count(list(written.values()), len(left) if ends else 0)
        known["unjudged"] = any(r.unjudged and r.message_id in written for r in results)
        if counts["all"]:
            cursor.execute(TALLY, counts | known)
        if counts["accepted"] or counts["failed"]:
            cursor.execute(MINUTE, counts | known)
    if written:
        # One line a batch, of which a worker has one or two a second (engine.deliveryagent).
        log.committed.info(
            "batch recorded",
            mailing=mailing_id,
            relay=relay_id,
            batch=claim.batch_id,
            **{name: counts[name] for name in OUTCOMES},
            waiting=counts["waiting"] - (len(left) if ends else 0),
            left=len(left),
        )
    return set(written)


def _accept(
    cursor: Any, known: dict[str, Any], accepted: Accepted, mine: Collection[int]
) -> dict[int, int]:
    pairs = zip(accepted.ids, accepted.replies, strict=True)
    ours = [(number, reply) for number, reply in pairs if number in mine]
    replies = BETWEEN.join([reply for _, reply in ours])
    # A server may say anything, also what stands between two replies; and PostgreSQL's text has no
    # NUL.
    if "\x00" in replies or replies.count(BETWEEN) >= len(ours):
        replies = BETWEEN.join([_text(reply).replace(BETWEEN, " ") for _, reply in ours])
    lists = {"ids": ",".join([str(number) for number, _ in ours]), "replies": replies}
    cursor.execute(blocks.named(ACCEPT, known["mailing"]), known | lists | {"between": BETWEEN})
    return dict.fromkeys([row[0] for row in cursor.fetchall()], int(State.ACCEPTED))


def _settle(cursor: Any, known: dict[str, Any], results: Sequence[Result]) -> dict[int, int]:
    """{message id: its new state}"""
    if not results:
        return {}
    cursor.execute(blocks.named(SETTLE, known["mailing"]), known | _columns(results))
    return dict(cursor.fetchall())


def _columns(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "ids": [r.message_id for r in results],
        "states": [int(r.state) for r in results],
        "reasons": [r.reason for r in results],
        "replies": [_text(r.reply) for r in results],
        "dues": [r.due_at for r in results],
        "attempts": [r.attempt for r in results],
    }


def _text(reply: str) -> str:
    """PostgreSQL has no NUL in text; a hostile server may send one."""
    return reply.replace("\x00", "\ufffd")[:2000]


def _count(states: list[int], released: int) -> dict[str, int]:
    return {
        "all": len(states) + released,
        "waiting": states.count(State.WAITING) + released,
        "accepted": states.count(State.ACCEPTED),
        "failed": states.count(State.FAILED),
        "skipped": states.count(State.SKIPPED),
        "unknown": states.count(State.UNKNOWN),
    }
