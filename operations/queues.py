"""Measures how long work waits in each Celery queue.

Every few seconds a marker task is put into each queue. Other work waits as long as the marker does.
No new marker is sent while the last one is still in the queue. The queue `send` has no markers,
because its processes are busy for minutes. Instead, its wait is the time for which due mail of a
relay has had no process.
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
    """Every queue that a task is routed to."""
    routed = {str(route["queue"]) for route in settings.CELERY_TASK_ROUTES.values()}
    return sorted(routed | {settings.CELERY_TASK_DEFAULT_QUEUE})


def longest(name: str) -> int:
    return LONGEST.get(name, LONGEST_OF_OTHERS)


def to_mark() -> list[str]:
    """The queues that get a marker now. Records the markers as sent."""
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
    """Whether due mail of a relay has no process, though sending isn't stopped."""
    return settings.SENDING and fence.current() is None and dispatch.unserved()


def arrived(name: str) -> None:
    """Records that the queue's marker was taken."""
    QueueWait.objects.filter(name=name).update(since=None)


def ages() -> dict[str, int]:
    """{queue: seconds that its work has been waiting}."""
    now = timezone.now()
    rows = QueueWait.objects.filter(name__in=names()).order_by("name")
    return {
        row.name: max(0, int((now - row.since).total_seconds())) if row.since else 0 for row in rows
    }
