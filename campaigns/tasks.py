"""Celery's way in: one service call, safe to run twice and by many."""

from celery import shared_task

from campaigns.services import running


@shared_task(ignore_result=True)
def start_due() -> None:
    """Each second: campaigns whose time has come start."""
    running.start_due()
