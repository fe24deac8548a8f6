from celery import shared_task

from sending.services import refusals


@shared_task(ignore_result=True)
def tell() -> None:
    """Every 15 seconds: mails people why the platform paused a mailing of theirs."""
    refusals.tell_all()
