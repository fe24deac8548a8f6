"""Failed messages that a person wants to be tried again, and what their refusals did taken back.

The ledger row stays the same and keeps its attempts and the server's last words. Accepted and
unknown messages are never touched here: the one has the mail, the other may have it.
"""

import logging
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from contacts.models import Suppression
from contacts.services import suppressions
from pages.statements import named
from sending.models import Mailing, Message
from sending.services import mailings

log = logging.getLogger(__name__)

# A code of pages.reasons: why such a message waits.
RETRIED = "retried"
# Messages in one transaction: claims of the mailing wait for it.
AT_ONCE = 20_000


@dataclass(slots=True)
class Retried:
    """What was taken back: messages that wait again, hard bounces that count no more, and
    suppressions that were lifted."""

    messages: int = 0
    bounces: int = 0
    suppressions: int = 0

    def add(self, other: "Retried") -> None:
        self.messages += other.messages
        self.bounces += other.bounces
        self.suppressions += other.suppressions


# One statement, so that rows, events and counts move together. Messages come first and in one
# order, then the tally, then its minutes: as everywhere (queries.record, services.events). A
# message that a server refused has no other hard bounce than that of its refusal; a soft one or a
# block that a mail reported stays, and with it the message counts as bounced.
RETRY = """
WITH chosen AS MATERIALIZED (
  SELECT id, address, settled_at FROM sending_message
   WHERE mailing_id = %(mailing)s AND trouble = 3 AND id IN ({rows})
   ORDER BY address LIMIT %(limit)s FOR UPDATE),
kept AS (
  SELECT e.message_id, min(e.at) AS at FROM sending_event e JOIN chosen ON chosen.id = e.message_id
   WHERE e.kind IN ('soft', 'blocked') GROUP BY 1),
again AS (
  UPDATE sending_message m
     SET state = 0, reason = %(reason)s, retry_at = now(), settled_at = NULL,
         bounced_at = (SELECT at FROM kept WHERE kept.message_id = m.id)
    FROM chosen WHERE m.id = chosen.id),
unbounced AS (
  DELETE FROM sending_event e USING chosen
   WHERE e.message_id = chosen.id AND e.kind = 'hard'
  RETURNING e.message_id, e.at),
bounced AS (
  SELECT message_id, min(at) AS at FROM unbounced GROUP BY 1),
clear AS (
  SELECT at FROM bounced WHERE message_id NOT IN (SELECT message_id FROM kept)),
tallied AS (
  UPDATE sending_tally
     SET failed = failed - (SELECT count(*) FROM chosen),
         waiting = waiting + (SELECT count(*) FROM chosen),
         hard_bounced = hard_bounced - (SELECT count(*) FROM bounced),
         bounced = bounced - (SELECT count(*) FROM clear)
   WHERE mailing_id = %(mailing)s RETURNING mailing_id),
gone AS (
  SELECT minute, sum(failed) AS failed, sum(bounced) AS bounced
    FROM (SELECT date_trunc('minute', settled_at) AS minute, 1 AS failed, 0 AS bounced FROM chosen
           UNION ALL
          SELECT date_trunc('minute', at), 0, 1 FROM clear) counted
   GROUP BY 1),
minutes AS (
  UPDATE sending_tallyminute t
     SET failed = t.failed - gone.failed, bounced = t.bounced - gone.bounced
    FROM gone JOIN tallied ON true
   WHERE t.mailing_id = tallied.mailing_id AND t.minute = gone.minute)
SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM bounced),
       ARRAY(SELECT address FROM chosen JOIN bounced ON bounced.message_id = chosen.id)
"""


def retry_failed(
    mailing: Mailing, rows: QuerySet[Message] | None = None, *, by: User | None = None
) -> Retried:
    """Puts failed messages among `rows` (None: all of the mailing) back to waiting. A finished
    mailing is opened again, a paused one stays paused; of a cancelled one nothing is retried.

    Suppressions that these refusals made are lifted in the name of `by`, and their bounces count
    no more. Done in committed pieces: whoever is interrupted calls it again.
    """
    chosen = (rows if rows is not None else Message.objects.all()).order_by()
    retried = Retried()
    while (piece := retry_piece(mailing, chosen, by)).messages:
        retried.add(piece)
    mailing.refresh_from_db()
    if retried.messages:
        log.info("mailing %s: %s, by user %s", mailing.pk, retried, by and by.pk)
    return retried


@transaction.atomic
def retry_piece(
    mailing: Mailing, rows: QuerySet[Message], by: User | None, *, limit: int = AT_ONCE
) -> Retried:
    """The next failed ones among these; nothing when none is left."""
    # Claims lock this row first, too, and the tally after it.
    locked = Mailing.objects.select_for_update(no_key=True).get(pk=mailing.pk)
    if locked.state == Mailing.State.CANCELLED:
        return Retried()
    ids, parameters = named(rows.order_by().values("pk"))
    known: dict[str, Any] = parameters | {
        "mailing": mailing.pk,
        "reason": RETRIED,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(RETRY.replace("{rows}", ids), known)
        messages, bounces, addresses = cursor.fetchone() or (0, 0, [])
    if not messages:
        return Retried()
    mailings.reopen(locked)
    # From now on they have as long as they had at first (sending.retries).
    Mailing.objects.filter(pk=mailing.pk).update(retried_at=timezone.now())
    lifted = suppressions.lift_addresses(
        mailing.workspace,
        addresses,
        reason=Suppression.Reason.HARD_BOUNCE,
        source=mailing.origin,
        by=by,
    )
    return Retried(messages, bounces, lifted)
