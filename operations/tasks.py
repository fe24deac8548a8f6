"""Tasks for heartbeats and queues (see operations.heartbeats, operations.queues)."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from operations import heartbeats, queues
from operations.models import Heartbeat

FORGET_AFTER = timedelta(days=1)


@shared_task(ignore_result=True)
def beat_lives(sender: str = "") -> None:
    """Beat sends it every second. Its arrival proves that beat and the control worker work.
    `sender`: the name of the beat, so that doctor detects a second one."""
    heartbeats.sign(heartbeats.BEAT, [sender] if sender else [])


@shared_task(ignore_result=True)
def forget_dead() -> None:
    """Deletes the heartbeats of processes that are gone."""
    Heartbeat.objects.filter(seen_at__lt=timezone.now() - FORGET_AFTER).delete()


@shared_task(ignore_result=True)
def watch_queues() -> None:
    """Beat, every five seconds: puts a marker into each queue that has none."""
    for name in queues.to_mark():
        marker.apply_async((name,), queue=name, expires=queues.LOST.total_seconds())


@shared_task(ignore_result=True)
def marker(queue: str) -> None:
    queues.arrived(queue)
