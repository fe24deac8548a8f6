from celery import shared_task

from sending.services import telling


@shared_task(ignore_result=True)
def tell() -> None:
    """Every 15 seconds: mails people why the platform paused or held their mailing."""
    telling.tell_all()
