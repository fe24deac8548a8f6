"""Celery tasks."""

from celery import shared_task

from signups.services import retention


@shared_task(ignore_result=True)
def tend() -> None:
    """Beat: end sign-ups that nobody confirmed, and forget old ones."""
    retention.tend()
