"""Failed messages that a person wants to be tried again, and what their refusals did taken back.

The ledger row stays the same and keeps its attempts and the server's last words. Accepted and
unknown messages are never touched here: the one has the mail, the other may have it.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from contacts.models import Suppression
from contacts.services import suppressions
from environment import logs
from sending.models import Mailing, Message
from sending.queries.retrying import put_back
from sending.services import mailings

log = logs.get(__name__)

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
        log.info(
            "failed messages put back",
            mailing=mailing.pk,
            workspace=mailing.workspace_id,
            messages=retried.messages,
            bounces=retried.bounces,
            suppressions=retried.suppressions,
            user=by and by.pk,
        )
    return retried


@transaction.atomic
def retry_piece(
    mailing: Mailing, rows: QuerySet[Message], by: User | None, *, limit: int = AT_ONCE
) -> Retried:
    """The next failed ones among these; nothing when none is left."""
    # Claims lock this row first, too, and the tally after it.
    locked = Mailing.objects.select_for_update(no_key=True).get(pk=mailing.pk)
    if locked.state == Mailing.State.CANCELLED or locked.details_dropped_at:
        return Retried()
    messages, bounces, addresses = put_back(mailing, rows, reason=RETRIED, limit=limit)
    if not messages:
        return Retried()
    mailings.reopen(locked)
    # From now on they have as long as they had at first (sending.retries).
    Mailing.objects.filter(pk=mailing.pk).update(retried_at=timezone.now())
    lifted = suppressions.lift_addresses(
        mailing.workspace,
        addresses,
        reason=Suppression.Reason.HARD_BOUNCED,
        source=mailing.source,
        by=by,
    )
    return Retried(messages, bounces, lifted)
