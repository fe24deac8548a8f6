"""Hits come in one by one from public pages, and are written to the ledger in sets.

A request costs one INSERT without locks. Counting locks rows of messages and mailings; in the
request it would make requests of one campaign wait for each other.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from sending.compose.tokens import NOBODY
from sending.queries import pictures
from sending.queries.events import EventRow, record
from tracking.models import Hit, PictureHit
from tracking.queries.hits import take, take_pictures

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


def keep_picture(mailing_id: int) -> None:
    """Stores that the common pixel of a mailing's mails was loaded."""
    minute = timezone.now().replace(second=0, microsecond=0)
    PictureHit.objects.create(mailing_id=mailing_id, minute=minute)


def record_pictures(batch: int = BATCH) -> int:
    """Adds up to `batch` of them to the counts of their mailings. Returns the number of hits."""
    with transaction.atomic():
        rows = take_pictures(batch)
        pictures.count(rows)
    return sum(row[2] for row in rows)


def record_hits(batch: int = BATCH) -> int:
    """Turns up to `batch` hits into events. Returns the number of hits."""
    with transaction.atomic():
        rows = take(batch)
        record(
            EventRow(message_id=message_id, kind=kind, at=at, link=link, detail=user_agent)
            for message_id, kind, at, link, user_agent in rows
        )
    return len(rows)
