"""Celery tasks: one service call each, safe to run twice or at once."""

from celery import shared_task

from campaigns.services import starting


@shared_task(ignore_result=True)
def start_due() -> None:
    """Beat, each second: starts campaigns whose time has come."""
    starting.start_due()
