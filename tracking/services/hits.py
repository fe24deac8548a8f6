"""Hits come in one by one from public pages, and are written to the ledger in sets.

A request costs one INSERT without locks. Counting locks rows of messages and mailings; in the
request it would make requests of one campaign wait for each other.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from sending.compose.tokens import NOBODY
from sending.queries.events import EventRow, record
from tracking.models import Hit
from tracking.queries.hits import take

BATCH = 2_000
LONGEST_USER_AGENT = 500


def keep(
    message_id: int,
    kind: str,
    *,
    link: int | None = None,
    user_agent: str = "",
    at: datetime | None = None,
) -> None:
    """Stores a hit. Hits of test mails and previews belong to no message and are dropped."""
    if message_id == NOBODY:
        return
    Hit.objects.create(
        message_id=message_id,
        kind=kind,
        at=at or timezone.now(),
        link=link,
        user_agent=user_agent.replace("\x00", "")[:LONGEST_USER_AGENT],
    )


def record_hits(batch: int = BATCH) -> int:
    """Turns up to `batch` hits into events. Returns the number of hits."""
    with transaction.atomic():
        rows = take(batch)
        record(
            EventRow(message_id=message_id, kind=kind, at=at, link=link, detail=user_agent)
            for message_id, kind, at, link, user_agent in rows
        )
    return len(rows)
