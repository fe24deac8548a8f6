from celery import shared_task

from bounces.services import collecting, unproven, unprovensources

# Seconds after which a nudge that no process took expires; the next one comes anyway.
NUDGE = 10


@shared_task(ignore_result=True)
def collect_due() -> None:
    """Every ten seconds: starts a collection of each mailbox that is due."""
    for mailbox_id in collecting.due():
        collect_mailbox.apply_async((mailbox_id,), expires=NUDGE)


@shared_task(ignore_result=True)
def collect_mailbox(mailbox_id: int) -> None:
    collecting.collect(mailbox_id)


@shared_task(ignore_result=True)
def tell_unproven() -> None:
    """Every ten minutes: tells people by mail that their mailbox got many unproven reports, and
    drops sources that are too old or too many."""
    unproven.tell_all()
    unprovensources.drop_old()
