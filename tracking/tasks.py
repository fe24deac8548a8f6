"""Celery tasks."""

from celery import shared_task

from tracking.services import hits

# Batches of one tick. A tick ends soon, so that others can run; the next tick continues.
BATCHES = 10


@shared_task(ignore_result=True)
def record_hits() -> None:
    """Beat: count opens, clicks and unsubscribes that came in since the last tick."""
    for record in (hits.record_hits, hits.record_pictures):
        for _ in range(BATCHES):
            if record() < hits.BATCH:
                break
