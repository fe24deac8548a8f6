"""The seam between public pages and the ledger: facts come in one by one and are written in sets.

A request pays one INSERT without locks. Counting locks the messages' and mailings' rows, which
would make requests of one campaign wait for each other.
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
    """Keeps a fact. What test mails and previews do is nobody's."""
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
    """Turns up to `batch` hits into events; returns how many there were."""
    with transaction.atomic():
        rows = take(batch)
        record(
            EventRow(message_id=message_id, kind=kind, at=at, link=link, detail=user_agent)
            for message_id, kind, at, link, user_agent in rows
        )
    return len(rows)
