"""Records the results of a batch: one transaction for all its messages."""

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
# [(message id, its new state, whether its mail has a pixel of its own)]
Rows = list[tuple[int, int, bool]]
log = logs.get(__name__)
# The counts in a batch's log line.
OUTCOMES = ("accepted", "failed", "skipped", "unknown")
# Separates the replies in one parameter: ASCII's unit separator.
BETWEEN = "\x1f"


@dataclass(frozen=True, slots=True)
class Result:
    """A message's new state. `due_at` only for one that waits again."""

    message_id: int
    state: int
    reason: str = ""
    reply: str = ""
    due_at: datetime | None = None
    # Whether this was an attempt that counts.
    attempt: bool = True
    # The address was refused, and is still to be judged (services.verdicts).
    unjudged: bool = False


# A worker that lost its lease, so that another worker holds its messages, records nothing.
MINE = """
SELECT ids, mailing_id, relay_id FROM sending_batch
 WHERE id = %(batch)s AND holder = %(holder)s AND epoch = %(epoch)s FOR UPDATE
"""

# "state + 0" hides the statistics of `state` from the planner. If all mailings in the statistics
# are done, it expects one waiting row, and would compare each row of the table with each of the
# batch. The range is for the planner, too: most batches are neighbouring ids, found by one walk
# along the key.
OPEN = sql("m.id = r.id AND m.id BETWEEN %(first)s AND %(last)s AND m.state + 0 = $WAITING")

# Nearly all results. No indexed column changes, so that the update is a heap-only tuple. Both lists
# are passed as one text each: writing an array takes ten times as long.
ACCEPT = sql(f"""
UPDATE sending_message m
   SET state = $ACCEPTED, reason = '', reply = coalesce(r.reply, ''), attempts = m.attempts + 1,
       settled_at = now(), relay_id = %(relay)s
  FROM unnest(string_to_array(%(ids)s, ',')::bigint[], string_to_array(%(replies)s, %(between)s))
       AS r (id, reply)
 WHERE {OPEN}
RETURNING m.id, m.state, m.counts_opens
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
RETURNING m.id, m.state, m.counts_opens
""")  # noqa: S608 - only constants of ours

# Messages without a result stay in the batch; when it ends, they are given back.
KEEP = "UPDATE sending_batch SET ids = %(left)s WHERE id = %(batch)s"
GIVE_BACK = """
UPDATE sending_batch SET ids = %(left)s, holder = '', leased_until = NULL, epoch = epoch + 1
 WHERE id = %(batch)s
"""
END = "DELETE FROM sending_batch WHERE id = %(batch)s"

TALLY = """
UPDATE sending_tally
   SET in_flight = in_flight - %(all)s, waiting = waiting + %(waiting)s,
       accepted = accepted + %(accepted)s, with_pixel = with_pixel + %(with_pixel)s,
       failed = failed + %(failed)s,
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
    """Settles messages of a batch. `results`: those that were not `accepted`. `ends`: messages
    without a result are given back.

    Returns the ids that were written: messages that another worker claimed meanwhile are not among
    them.
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
        rows = _accept(cursor, known, accepted, mine) if accepted else []
        rows += _settle(cursor, known, [r for r in results if r.message_id in mine])
        written = {number: state for number, state, _counts_opens in rows}
        left = [number for number in claimed if number not in written]
        if left:
            cursor.execute(GIVE_BACK if ends else KEEP, known | {"left": left})
        elif ends:
            cursor.execute(END, known)
        else:
            cursor.execute(KEEP, known | {"left": []})
        counts = _count(list(written.values()), len(left) if ends else 0)
        known["with_pixel"] = sum(one[2] for one in rows if one[1] == State.ACCEPTED)
        known["unjudged"] = any(r.unjudged and r.message_id in written for r in results)
        if counts["all"]:
            cursor.execute(TALLY, counts | known)
        if counts["accepted"] or counts["failed"]:
            cursor.execute(MINUTE, counts | known)
    if written:
        # One line for each batch: one or two a second for each worker.
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


def _accept(cursor: Any, known: dict[str, Any], accepted: Accepted, mine: Collection[int]) -> Rows:
    pairs = zip(accepted.ids, accepted.replies, strict=True)
    ours = [(number, reply) for number, reply in pairs if number in mine]
    replies = BETWEEN.join([reply for _, reply in ours])
    # A reply may contain the separator, or a NUL, which PostgreSQL's text can't hold.
    if "\x00" in replies or replies.count(BETWEEN) >= len(ours):
        replies = BETWEEN.join([_text(reply).replace(BETWEEN, " ") for _, reply in ours])
    lists = {"ids": ",".join([str(number) for number, _ in ours]), "replies": replies}
    cursor.execute(blocks.named(ACCEPT, known["mailing"]), known | lists | {"between": BETWEEN})
    return list(cursor.fetchall())


def _settle(cursor: Any, known: dict[str, Any], results: Sequence[Result]) -> Rows:
    if not results:
        return []
    cursor.execute(blocks.named(SETTLE, known["mailing"]), known | _columns(results))
    return list(cursor.fetchall())


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
    """Replaces NUL, which PostgreSQL's text can't hold and a hostile server may send."""
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
