"""Celery's way in."""

from celery import shared_task

from tracking.services import hits

# A tick ends soon, so that other ticks get their turn; the next one goes on.
BATCHES = 10


@shared_task(ignore_result=True)
def record_hits() -> None:
    """Beat: count opens, clicks and unsubscribes that came in since the last tick."""
    for _ in range(BATCHES):
        if hits.record_hits() < hits.BATCH:
            return
