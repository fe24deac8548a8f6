"""The messages behind a relay's replies, as far as the ledger has them. A message keeps only its
last reply: one that was put off and accepted later is found among the accepted ones."""

import datetime as dt
from collections.abc import Collection

from django.db.models import Min, OuterRef, Q, QuerySet, Subquery

from sending.models import Mailing, MailingLane, Message, StreamItem

State = Message.State
# A relay that carries more mailings than this within a week sends each of them to few people.
MAILINGS = 100
# A stream's message is tried for two days, and may have waited in a paused stream before.
TRIED_FOR = dt.timedelta(days=7)
# Further words of the ledger for a meaning.
ALSO = {"address": ("address_unproven",)}


def messages(
    relay_id: int, mailings: QuerySet[Mailing], since: dt.datetime, *, meaning: str = ""
) -> QuerySet[Message]:
    """Messages of these mailings whose last reply came from this relay since then and had this
    meaning (of smtp.replies, or "accepted" or "unknown"; "": any)."""
    over = Q(finished_at__isnull=False, finished_at__lt=since)
    ids = list(mailings.exclude(over).order_by("-pk").values_list("pk", flat=True)[:MAILINGS])
    first = _first(ids, since)
    found = Message.objects.filter(mailing__in=ids, relay_id=relay_id, pk__gte=first)
    if not meaning:
        return found.filter(Q(settled_at__gte=since) | Q(retry_at__isnull=False))
    if meaning == "accepted":
        return found.filter(state=State.ACCEPTED, settled_at__gte=since)
    if meaning == "unknown":
        return found.filter(trouble=State.UNKNOWN, settled_at__gte=since)
    reasons = (meaning, *ALSO.get(meaning, ()))
    failed = Q(trouble=State.FAILED, settled_at__gte=since)
    put_off = Q(state=State.WAITING, retry_at__isnull=False)
    return found.filter(failed | put_off, reason__in=reasons)


def _first(ids: Collection[int], since: dt.datetime) -> int:
    """A lower bound for message ids, because pages go by id: the first message of the oldest
    mailing. A stream may have begun years ago; its messages tried since `since` were appended at
    most a week earlier."""
    lanes = MailingLane.objects.filter(mailing__in=ids).aggregate(first=Min("first_id"))
    items = StreamItem.objects.filter(mailing=OuterRef("pk"), created_at__gte=since - TRIED_FOR)
    streams = Mailing.objects.filter(pk__in=ids, kind=Mailing.Kind.STREAM).annotate(
        first=Subquery(items.order_by("created_at", "message").values("message")[:1])
    )
    found = (lanes["first"], streams.aggregate(least=Min("first"))["least"])
    return min((one for one in found if one is not None), default=0)
