"""Takes due messages for one worker: one short transaction, safe beside any number of others."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from sending.models import Batch, Mailing, Relay

# Longer than any pause of a healthy worker, which renews it each second.
LEASE = timedelta(seconds=60)

# SKIP LOCKED: two workers never wait for each other and never take the same row.
TAKE = """
UPDATE sending_message SET state = 1, batch_id = %(batch)s, relay_id = %(relay)s
 WHERE id IN (SELECT id FROM sending_message
               WHERE mailing_id = %(mailing)s AND state = 0 AND due_at <= now()
               ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""

# Of those taken: who may not be mailed any more, and why. Asked when their turn comes.
LEFT_SINCE = """
SELECT m.id,
       CASE WHEN c.id IS NULL THEN 'gone'
            WHEN by_address.reason IS NOT NULL THEN 'suppressed_' || by_address.reason
            WHEN by_domain.reason IS NOT NULL THEN 'suppressed_domain'
            ELSE 'unsubscribed' END AS reason
  FROM sending_message m
  LEFT JOIN contacts_contact c ON c.id = m.contact_id AND c.workspace_id = %(workspace)s
  LEFT JOIN contacts_suppression by_address
         ON by_address.workspace_id = %(workspace)s AND by_address.kind = 'address'
        AND by_address.value = m.address AND by_address.lifted_at IS NULL
  LEFT JOIN contacts_suppression by_domain
         ON by_domain.workspace_id = %(workspace)s AND by_domain.kind = 'domain'
        AND by_domain.value = split_part(m.address, '@', 2) AND by_domain.lifted_at IS NULL
 WHERE m.batch_id = %(batch)s AND m.state = 1
   AND (c.id IS NULL OR by_address.id IS NOT NULL OR by_domain.id IS NOT NULL
        OR (cardinality(%(lists)s::bigint[]) > 0 AND NOT EXISTS (
              SELECT 1 FROM contacts_subscription s
               WHERE s.contact_id = m.contact_id AND s.list_id = ANY(%(lists)s)
                 AND s.status = 'subscribed')))
"""

SKIP = f"""
UPDATE sending_message m
   SET state = 4, reason = left_.reason, settled_at = now(), batch_id = NULL
  FROM ({LEFT_SINCE}) left_
 WHERE m.id = left_.id
"""  # noqa: S608 - only constants of this module

TALLY = """
UPDATE sending_tally
   SET waiting = waiting - %(taken)s, in_flight = in_flight + %(taken)s - %(skipped)s,
       skipped = skipped + %(skipped)s
 WHERE mailing_id = %(mailing)s
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message in this worker's hands."""

    id: int
    contact_id: int
    address: str
    attempts: int


@transaction.atomic
def claim(
    mailing: Mailing, relay: Relay, *, holder: str, limit: int
) -> tuple[Batch | None, list[Claimed]]:
    """Up to `limit` due messages and the batch that holds them; (None, []) when there are none.

    Who was suppressed or unsubscribed since the freeze is skipped with the reason.
    """
    # Shared: whoever pauses or cancels waits for this short transaction, and none begins after.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM sending_mailing WHERE id = %s AND state = 'sending' FOR SHARE",
            [mailing.pk],
        )
        live = cursor.fetchone()
    if not live:
        return None, []
    batch = Batch.objects.create(
        mailing=mailing, relay=relay, holder=holder, leased_until=timezone.now() + LEASE
    )
    known = {
        "batch": batch.pk,
        "relay": relay.pk,
        "mailing": mailing.pk,
        "limit": limit,
        "workspace": mailing.workspace_id,
        "lists": mailing.list_ids,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, known)
        taken = cursor.rowcount
        if not taken:
            batch.delete()
            return None, []
        cursor.execute(SKIP, known)
        skipped = cursor.rowcount
        cursor.execute(TALLY, {"mailing": mailing.pk, "taken": taken, "skipped": skipped})
        cursor.execute(
            "SELECT id, contact_id, address, attempts FROM sending_message"
            " WHERE batch_id = %s AND state = 1 ORDER BY id",
            [batch.pk],
        )
        claimed = [Claimed(*row) for row in cursor.fetchall()]
    if not claimed:
        batch.delete()
        return None, []
    return batch, claimed


def renew(batch_id: int) -> None:
    Batch.objects.filter(pk=batch_id).update(leased_until=timezone.now() + LEASE)
