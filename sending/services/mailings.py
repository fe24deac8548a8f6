"""Mailings: opened, paused, resumed, cancelled, finished; their unknown messages settled."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Workspace
from designs.models import Content
from sending.models import Fenced, Hold, Mailing, Pool, Relay, Tally
from sending.queries import refusals
from sending.queries.due import LEFT
from sending.queries.freeze import freeze
from sending.states import TRANSITIONS

RETRY_FOR = timedelta(days=2)
# Mailing.priority: lower goes first.
TRANSACTIONAL, CAMPAIGN = 0, 10
log = logging.getLogger(__name__)


@transaction.atomic
def open_mailing(  # noqa: PLR0913 - what a mailing is made of
    *,
    workspace: Workspace,
    origin: str,
    content: Content,
    from_name: str,
    from_email: str,
    lists_in: Sequence[int],
    lists_out: Sequence[int] = (),
    reply_to: str = "",
    relay: Relay | None = None,
    pool: Pool | None = None,
    track_opens: bool = True,
    track_clicks: bool = True,
    retry_for: timedelta = RETRY_FOR,
    priority: int = CAMPAIGN,
    per_minute: int | None = None,
    window: Mapping[str, Any] | None = None,
) -> Mailing:
    """Freezes the audience; from the commit on, workers send. Exactly one of relay and pool.

    `origin` says what it was opened for, such as "campaign 7". `window`: see sending.windows.
    """
    mailing = Mailing.objects.create(
        workspace=workspace,
        origin=origin,
        content=content,
        from_name=from_name,
        from_email=from_email,
        reply_to=reply_to,
        relay=relay,
        pool=pool,
        list_ids=list(lists_in),
        track_opens=track_opens,
        track_clicks=track_clicks,
        retry_for=retry_for,
        priority=priority,
        per_minute=per_minute,
        window=dict(window or {}),
    )
    targeted, excluded = freeze(mailing, lists_in, lists_out)
    Tally.objects.create(mailing=mailing, targeted=targeted, waiting=targeted)
    mailing.excluded = excluded
    mailing.save(update_fields=["excluded"])
    return mailing


def _move(mailing: Mailing, verb: str, **fields: object) -> bool:
    """One transition of the table, if the mailing is in a state that it leads from."""
    sources, target = TRANSITIONS[verb]
    moved = Mailing.objects.filter(pk=mailing.pk, state__in=sources).update(state=target, **fields)
    mailing.refresh_from_db()
    return bool(moved)


def pause(mailing: Mailing, reason: str = "") -> bool:
    """`reason`: why the platform did it. What is on the wire is finished; nothing new is taken."""
    return _move(mailing, "pause", state_reason=reason, wait_reason="", wait_until=None)


@transaction.atomic
def resume(mailing: Mailing) -> bool:
    """Whoever resumes it begins a new count of its refusals. Not while somebody has to decide what
    of it was sent (services.fence)."""
    if Fenced.objects.filter(mailing=mailing, decision="").exists():
        return False
    if not _move(mailing, "resume", state_reason=""):
        return False
    whole = Hold.objects.filter(mailing=mailing, kind=Hold.Kind.MAILING, released_at=None)
    whole.update(released_at=timezone.now())
    refusals.forget(mailing=mailing)
    return True


def reopen(mailing: Mailing) -> bool:
    """A finished one sends again: messages of it wait anew."""
    return _move(mailing, "reopen", finished_at=None)


@transaction.atomic
def cancel(mailing: Mailing, reason: str = "") -> bool:
    """Who waits is skipped; what a worker holds comes back and is skipped then (drop_cancelled)."""
    now = timezone.now()
    moved = _move(
        mailing, "cancel", state_reason=reason, finished_at=now, wait_reason="", wait_until=None
    )
    if moved:
        drop_cancelled(mailing)
        Hold.objects.filter(mailing=mailing, released_at=None).update(released_at=now)
    return moved


# One statement: rows and tally move together. What waits stands in three places (queries.claim).
DROP = """
WITH open AS (
  SELECT id, next_id, last_id FROM sending_mailinglane
   WHERE mailing_id = %(mailing)s AND next_id <= last_id FOR UPDATE),
shut AS (
  UPDATE sending_mailinglane l SET next_id = l.last_id + 1 FROM open WHERE l.id = open.id),
back AS (
  DELETE FROM sending_batch WHERE mailing_id = %(mailing)s AND holder = '' RETURNING ids),
waiting AS (
  SELECT m.id FROM open
    JOIN sending_message m
      ON m.id BETWEEN open.next_id AND open.last_id AND m.mailing_id = %(mailing)s
  UNION ALL
  SELECT unnest(ids) FROM back
  UNION ALL
  SELECT id FROM sending_message WHERE mailing_id = %(mailing)s AND retry_at IS NOT NULL),
dropped AS (
  UPDATE sending_message m
     SET state = 4, reason = 'cancelled', settled_at = now(), retry_at = NULL
    FROM waiting WHERE m.id = waiting.id AND m.state + 0 = 0 RETURNING 1),
counted AS (SELECT count(*) AS n FROM dropped)
UPDATE sending_tally SET waiting = waiting - n, skipped = skipped + n
  FROM counted WHERE mailing_id = %(mailing)s
"""


def drop_cancelled(mailing: Mailing) -> None:
    """Skips what still waits of a cancelled mailing."""
    with connection.cursor() as cursor:
        cursor.execute(DROP, {"mailing": mailing.pk})


# By the three places where a message can wait, the batches that workers hold, and the runs of
# refusals about which nobody has decided yet: what was refused may have to go out again.
DONE = f"""
SELECT m.id FROM sending_mailing m
 WHERE m.state = 'sending'
   AND NOT {LEFT}
   AND NOT EXISTS (SELECT 1 FROM sending_batch b WHERE b.mailing_id = m.id)
   AND NOT EXISTS (SELECT 1 FROM sending_message r
                    WHERE r.mailing_id = m.id AND r.retry_at IS NOT NULL)
   AND NOT EXISTS (SELECT 1 FROM sending_hold h
                    WHERE h.mailing_id = m.id AND h.released_at IS NULL AND h.decision = ''
                      AND (h.kind NOT IN ('route', 'relay')
                           OR (h.refused > 0 AND EXISTS (
                                 SELECT 1 FROM sending_tally t
                                  WHERE t.mailing_id = m.id AND t.failed > 0))))
"""  # noqa: S608 - only constants of ours

# Counted from the rows, not from the tally: finished means that the ledger closes. One look over
# the mailing's rows, once. There never is one; if there were, it would go out now.
FORGOTTEN = """
UPDATE sending_message SET retry_at = now()
 WHERE id BETWEEN (SELECT min(first_id) FROM sending_mailinglane WHERE mailing_id = %(mailing)s)
              AND (SELECT max(last_id) FROM sending_mailinglane WHERE mailing_id = %(mailing)s)
   AND mailing_id = %(mailing)s AND state = 0
"""

FINISH = """
UPDATE sending_mailing
   SET state = 'finished', finished_at = now(), wait_reason = '', wait_until = NULL
 WHERE id = %(mailing)s
"""


def finish_all() -> int:
    """Finishes the mailings whose ledger closes: nothing waits or is in flight. How many."""
    with connection.cursor() as cursor:
        cursor.execute(DONE)
        done = [row[0] for row in cursor.fetchall()]
    return sum(_finish(mailing_id) for mailing_id in done)


@transaction.atomic
def _finish(mailing_id: int) -> bool:
    with connection.cursor() as cursor:
        # From here on nobody claims; and what was claimed meanwhile is seen.
        cursor.execute("SELECT 1 FROM sending_mailing WHERE id = %s FOR UPDATE", [mailing_id])
        cursor.execute(f"{DONE} AND m.id = %(mailing)s", {"mailing": mailing_id})
        if not cursor.fetchone():
            return False
        cursor.execute(FORGOTTEN, {"mailing": mailing_id})
        if cursor.rowcount:
            log.error("mailing %s: %s messages were nowhere", mailing_id, cursor.rowcount)
            return False
        cursor.execute(FINISH, {"mailing": mailing_id})
    # Whoever tries failed messages again later means those of dropped lanes, too.
    Hold.objects.filter(mailing=mailing_id, released_at=None).update(released_at=timezone.now())
    return True


RESEND = """
WITH again AS (
  UPDATE sending_message
     SET state = 0, retry_at = now(), reason = '', settled_at = NULL
   WHERE mailing_id = %(mailing)s AND trouble = 5 AND (%(all)s OR id = ANY(%(ids)s)) RETURNING 1),
counted AS (SELECT count(*) AS n FROM again)
UPDATE sending_tally SET unknown = unknown - n, waiting = waiting + n
  FROM counted WHERE mailing_id = %(mailing)s RETURNING n
"""

COUNT_AS_SENT = """
WITH settled AS (
  UPDATE sending_message SET state = 2, reason = ''
   WHERE mailing_id = %(mailing)s AND trouble = 5 AND (%(all)s OR id = ANY(%(ids)s)) RETURNING 1),
counted AS (SELECT count(*) AS n FROM settled)
UPDATE sending_tally SET unknown = unknown - n, accepted = accepted + n
  FROM counted WHERE mailing_id = %(mailing)s RETURNING n
"""


@transaction.atomic
def resend_unknown(mailing: Mailing, message_ids: Sequence[int] | None = None) -> int:
    """Puts unknown messages (by default all) back to waiting; some may get the mail twice."""
    number = _settle_unknown(RESEND, mailing, message_ids)
    if number:
        reopen(mailing)
    return number


@transaction.atomic
def count_unknown_as_sent(mailing: Mailing, message_ids: Sequence[int] | None = None) -> int:
    return _settle_unknown(COUNT_AS_SENT, mailing, message_ids)


def _settle_unknown(sql: str, mailing: Mailing, message_ids: Sequence[int] | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "mailing": mailing.pk,
                "all": message_ids is None,
                "ids": list(message_ids or ()),
            },
        )
        return int((cursor.fetchone() or (0,))[0])
