"""How long work waits in each Celery queue.

A marker is put into a queue every few seconds; the time until it comes out is how long other work
waits there. None is sent while the one before is still inside. The queue of batches has none, as
its processes are busy for minutes: there, what counts is due mail of a relay that no process
serves.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from operations.models import QueueWait
from sending.services import dispatch, fence

SEND = "send"
# A marker that the broker lost is replaced after this long.
LOST = timedelta(minutes=2)
# Seconds that work may wait: ticks are short; an import of a million lines takes some minutes.
LONGEST = {"control": 60, SEND: 120}
LONGEST_OF_OTHERS = 900


def names() -> list[str]:
    """Every queue that a task goes to."""
    routed = {str(route["queue"]) for route in settings.CELERY_TASK_ROUTES.values()}
    return sorted(routed | {settings.CELERY_TASK_DEFAULT_QUEUE})


def longest(name: str) -> int:
    return LONGEST.get(name, LONGEST_OF_OTHERS)


def to_mark() -> list[str]:
    """Queues that get a marker now; noted as sent."""
    now = timezone.now()
    known = QueueWait.objects.in_bulk(names())
    due = []
    for name in names():
        row = known.get(name) or QueueWait(name=name)
        if name == SEND:
            row.since = (row.since or now) if _overdue() else None
        elif row.since is None or now - (row.sent_at or now) > LOST:
            row.since = row.since or now
            row.sent_at = now
            due.append(name)
        row.save()
    return due


def _overdue() -> bool:
    """Mail is due for a relay that no process serves, and nothing else explains that."""
    return settings.SENDING and fence.current() is None and dispatch.unserved()


def arrived(name: str) -> None:
    """A marker came out of its queue."""
    QueueWait.objects.filter(name=name).update(since=None)


def ages() -> dict[str, int]:
    """{queue: seconds that its work has been waiting}"""
    now = timezone.now()
    rows = QueueWait.objects.filter(name__in=names()).order_by("name")
    return {
        row.name: max(0, int((now - row.since).total_seconds())) if row.since else 0 for row in rows
    }
