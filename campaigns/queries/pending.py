"""Which messages of a mailing are claimed by a worker, and which wait. A claim writes no message
row, so this is read from lanes and batches."""

from collections.abc import Collection

from django.db.models import F, Q

from sending.models import Batch, Mailing, Message


def claimed(mailing: Mailing, among: Collection[int] | None = None) -> set[int]:
    """Ids of the messages in flight: those in batches that have a holder (some seconds' work).
    `among`: looks only at batches with one of these ids."""
    batches = Batch.objects.filter(mailing=mailing).exclude(holder="")
    if among is not None:
        batches = batches.filter(ids__overlap=list(among))
    return {pk for ids in batches.values_list("ids", flat=True) for pk in ids}


def waits(mailing: Mailing) -> Q:
    """A condition for messages that wait: not claimed yet, given back, or to be tried again. The
    first two use the primary key (ranges of ids, and ids), the third uses message_retry."""
    unclaimed = mailing.lanes.filter(next_id__lte=F("last_id")).values_list("next_id", "last_id")
    given_back = Batch.objects.filter(mailing=mailing, holder="").values_list("ids", flat=True)
    found = Q(retry_at__isnull=False) | Q(pk__in=[pk for ids in given_back for pk in ids])
    for first, last in unclaimed:
        found |= Q(pk__range=(first, last))
    return Q(state=Message.State.WAITING) & found
