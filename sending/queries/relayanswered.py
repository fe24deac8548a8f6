"""The messages behind the replies of a relay, as far as the ledger has them: a message keeps its
last reply alone, so one that was put off and accepted later is found among those accepted."""

import datetime as dt

from django.db.models import Min, Q, QuerySet

from sending.models import Mailing, MailingLane, Message

State = Message.State
# A relay that carries more mailings than these within a week sends them to few people each.
MAILINGS = 100
# What the ledger calls a reply whose meaning has another word there.
ALSO = {"address": ("address_unproven",)}


def messages(
    relay_id: int, mailings: QuerySet[Mailing], since: dt.datetime, *, meaning: str = ""
) -> QuerySet[Message]:
    """Messages of these mailings of which the last reply since then was the relay's, and had this
    meaning (of smtp.replies, or "unknown"; "": any)."""
    over = Q(finished_at__isnull=False, finished_at__lt=since)
    ids = list(mailings.exclude(over).order_by("-pk").values_list("pk", flat=True)[:MAILINGS])
    # Tables are paged by id: they end where the oldest of these mailings begins.
    first = MailingLane.objects.filter(mailing__in=ids).aggregate(first=Min("first_id"))["first"]
    found = Message.objects.filter(mailing__in=ids, relay_id=relay_id, pk__gte=first or 0)
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
