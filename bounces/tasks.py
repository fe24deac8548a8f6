from celery import shared_task

from bounces.services import collecting, unproven, unprovensources

# A nudge that finds no process in this many seconds is given again anyway.
NUDGE = 10


@shared_task(ignore_result=True)
def collect_due() -> None:
    """Every ten seconds: nudges a collection of each mailbox whose turn it is."""
    for mailbox_id in collecting.due():
        collect_mailbox.apply_async((mailbox_id,), expires=NUDGE)


@shared_task(ignore_result=True)
def collect_mailbox(mailbox_id: int) -> None:
    collecting.collect(mailbox_id)


@shared_task(ignore_result=True)
def tell_unproven() -> None:
    """Every ten minutes: mails people that their mailbox got many unproven reports, and drops the
    sources of those that are too old or too many."""
    unproven.tell_all()
    unprovensources.drop_old()
