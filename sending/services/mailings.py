"""Mailings: opened, paused, resumed, cancelled, finished; their unknown messages settled."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Workspace
from designs.models import Content
from sending.models import Mailing, Pool, Relay, Tally
from sending.queries.freeze import freeze
from sending.states import TRANSITIONS

RETRY_FOR = timedelta(days=2)


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
) -> Mailing:
    """Freezes the audience; from the commit on, workers send. Exactly one of relay and pool.

    `origin` says what it was opened for, such as "campaign 7".
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


def resume(mailing: Mailing) -> bool:
    return _move(mailing, "resume", state_reason="")


@transaction.atomic
def cancel(mailing: Mailing, reason: str = "") -> bool:
    """Who waits is skipped; what a worker holds comes back and is skipped then (drop_cancelled)."""
    now = timezone.now()
    moved = _move(
        mailing, "cancel", state_reason=reason, finished_at=now, wait_reason="", wait_until=None
    )
    if moved:
        drop_cancelled(mailing)
    return moved


# One statement: rows and tally move together.
DROP = """
WITH dropped AS (
  UPDATE sending_message SET state = 4, reason = 'cancelled', settled_at = now()
   WHERE mailing_id = %(mailing)s AND state = 0 RETURNING 1),
counted AS (SELECT count(*) AS n FROM dropped)
UPDATE sending_tally SET waiting = waiting - n, skipped = skipped + n
  FROM counted WHERE mailing_id = %(mailing)s
"""


def drop_cancelled(mailing: Mailing) -> None:
    """Skips what still waits of a cancelled mailing."""
    with connection.cursor() as cursor:
        cursor.execute(DROP, {"mailing": mailing.pk})


# Counted from the rows by two partial indexes, not from the tally: finished means that it closes.
FINISH = """
UPDATE sending_mailing m
   SET state = 'finished', finished_at = now(), wait_reason = '', wait_until = NULL
 WHERE m.state = 'sending'
   AND NOT EXISTS (SELECT 1 FROM sending_message WHERE mailing_id = m.id AND state = 0)
   AND NOT EXISTS (SELECT 1 FROM sending_batch WHERE mailing_id = m.id)
"""


def finish_all() -> int:
    """Finishes the mailings whose ledger closes: nothing waits or is in flight. How many."""
    with connection.cursor() as cursor:
        cursor.execute(FINISH)
        return int(cursor.rowcount)


RESEND = """
WITH again AS (
  UPDATE sending_message
     SET state = 0, due_at = now(), reason = '', settled_at = NULL, batch_id = NULL
   WHERE mailing_id = %(mailing)s AND state = 5 AND (%(all)s OR id = ANY(%(ids)s)) RETURNING 1),
counted AS (SELECT count(*) AS n FROM again)
UPDATE sending_tally SET unknown = unknown - n, waiting = waiting + n
  FROM counted WHERE mailing_id = %(mailing)s RETURNING n
"""

COUNT_AS_SENT = """
WITH settled AS (
  UPDATE sending_message SET state = 2, batch_id = NULL
   WHERE mailing_id = %(mailing)s AND state = 5 AND (%(all)s OR id = ANY(%(ids)s)) RETURNING 1),
counted AS (SELECT count(*) AS n FROM settled)
UPDATE sending_tally SET unknown = unknown - n, accepted = accepted + n
  FROM counted WHERE mailing_id = %(mailing)s RETURNING n
"""


@transaction.atomic
def resend_unknown(mailing: Mailing, message_ids: Sequence[int] | None = None) -> int:
    """Puts unknown messages (by default all) back to waiting; some may get the mail twice."""
    number = _settle_unknown(RESEND, mailing, message_ids)
    if number:
        _move(mailing, "reopen", finished_at=None)
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
