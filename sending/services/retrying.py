"""Tries failed messages again on a person's request, and undoes the effects of their refusals.

The ledger row stays the same and keeps its attempts and the server's last words. Accepted and
unknown messages are never touched here: their recipients have the mail, or may have it.
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
from sending.queries.retrying import put_back, refuse_same_person
from sending.services import mailings

log = logs.get(__name__)

# A code of pages.reasons: why such a message waits.
RETRIED = "retried"
# The most messages in one transaction; claims of the mailing wait for it.
AT_ONCE = 20_000


@dataclass(slots=True)
class Retried:
    """How many messages wait again, how many hard bounces are no longer counted, how many
    suppressions were lifted, and how many messages were skipped, because the person got the mailing
    at another address."""

    messages: int = 0
    bounces: int = 0
    suppressions: int = 0
    skipped: int = 0

    def add(self, other: "Retried") -> None:
        self.messages += other.messages
        self.bounces += other.bounces
        self.suppressions += other.suppressions
        self.skipped += other.skipped

    def __bool__(self) -> bool:
        return bool(self.messages or self.skipped)


def retry_failed(
    mailing: Mailing, rows: QuerySet[Message] | None = None, *, by: User | None = None
) -> Retried:
    """Puts failed messages among `rows` (None: all of the mailing) back to waiting. A finished
    mailing is reopened, a paused one stays paused, and a cancelled one is not retried.

    Suppressions that these refusals made are lifted in the name of `by`, and their bounces are no
    longer counted. Each piece is committed; after an interruption, call it again.
    """
    chosen = (rows if rows is not None else Message.objects.all()).order_by()
    retried = Retried()
    while piece := retry_piece(mailing, chosen, by):
        retried.add(piece)
    mailing.refresh_from_db()
    if retried:
        log.info(
            "failed messages put back",
            mailing=mailing.pk,
            workspace=mailing.workspace_id,
            messages=retried.messages,
            skipped=retried.skipped,
            bounces=retried.bounces,
            suppressions=retried.suppressions,
            user=by and by.pk,
        )
    return retried


@transaction.atomic
def retry_piece(
    mailing: Mailing, rows: QuerySet[Message], by: User | None, *, limit: int = AT_ONCE
) -> Retried:
    """The next piece of failed messages; an empty result when none is left. A contact who got the
    mailing at another address, before a merge, does not get it twice: the message is skipped."""
    # Claims lock this row first, too, and the tally after it.
    locked = Mailing.objects.select_for_update(no_key=True).get(pk=mailing.pk)
    if locked.state == Mailing.State.CANCELLED or locked.details_dropped_at:
        return Retried()
    skipped = refuse_same_person(mailing, rows, limit=limit)
    messages, bounces, addresses = put_back(mailing, rows, reason=RETRIED, limit=limit)
    if not messages:
        return Retried(skipped=skipped)
    mailings.reopen(locked)
    # From now on they are tried for as long as at first (sending.retries).
    Mailing.objects.filter(pk=mailing.pk).update(retried_at=timezone.now())
    lifted = suppressions.lift_addresses(
        mailing.workspace,
        addresses,
        reason=Suppression.Reason.HARD_BOUNCED,
        source=mailing.source,
        by=by,
    )
    return Retried(messages, bounces, lifted, skipped)
