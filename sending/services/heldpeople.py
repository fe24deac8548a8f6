"""The people of a run of refusals: those who failed in it, and those of its lane who still wait."""

from django.db.models import Q, QuerySet

from sending.models import Batch, Hold, Mailing, MailingLane, Message
from sending.services.holds import Kind, State


def undecided(mailing: Mailing) -> QuerySet[Hold]:
    """Runs about whose refusals nobody has decided, also those that hold nothing any more."""
    return mailing.holds.filter(decision="").select_related("relay").order_by("pk")


def refused_in(one: Hold) -> QuerySet[Message]:
    """The messages that failed in its run; by message_not_accepted."""
    rows = Message.objects.filter(
        mailing=one.mailing_id, trouble=Message.State.FAILED, settled_at__gte=one.since
    )
    if one.kind != Kind.MAILING:
        rows = rows.filter(relay_id=one.relay_id)
    if one.kind == Kind.LANE:
        rows = rows.filter(lane=one.lane_number)
        if not one.lane_number:
            rows = rows.filter(address__endswith=f"@{one.lane}")
    return rows


def count(one: Hold) -> int:
    """How many failed in its run. Its numbers are brought up to that, unsaved: counts fade, and
    what was in flight when it was held may have been refused since."""
    failed = refused_in(one).count()
    more = max(0, failed - one.refused) if one.refused else 0
    one.refused, one.decided = one.refused + more, one.decided + more
    return failed


def left_in(one: Hold) -> QuerySet[Message]:
    """Messages of a lane that still wait: one walk along its range of ids. Of a stream, which has
    none, those that are due or put off (by message_retry) and those in batches."""
    ranges = MailingLane.objects.filter(mailing=one.mailing_id, lane=one.lane_number)
    batches = Batch.objects.filter(mailing=one.mailing_id).values_list("ids", flat=True)
    within = Q(retry_at__isnull=False) | Q(pk__in=[pk for ids in batches for pk in ids])
    for lane in ranges:
        within |= Q(pk__range=(lane.first_id, lane.last_id))
    rows = Message.objects.filter(
        within, mailing=one.mailing_id, state=State.WAITING, lane=one.lane_number
    )
    return rows if one.lane_number else rows.filter(address__endswith=f"@{one.lane}")
