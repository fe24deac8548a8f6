"""Signs of life of processes and queues."""

from django.db import models


class Heartbeat(models.Model):
    """That a worker process (or beat) works: written every few seconds while it does."""

    # "send@host", or "beat".
    name = models.CharField(max_length=200, primary_key=True)
    # What it takes tasks from.
    queues = models.JSONField(default=list)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.seen_at}"


class QueueWait(models.Model):
    """How long work waits in a Celery queue (operations.queues)."""

    name = models.CharField(max_length=50, primary_key=True)
    # Since when its marker, or due mail, waits; null: nothing does.
    since = models.DateTimeField(null=True)
    # When the marker that is inside was sent.
    sent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.since}"
