"""Heartbeats of processes, and waiting times of queues."""

from django.db import models


class Heartbeat(models.Model):
    """The last sign of life of a worker or beat, which writes it every few seconds."""

    # "send@host", or "beat".
    name = models.CharField(max_length=200, primary_key=True)
    # The queues that a worker takes tasks from; for beat, the name of its process.
    queues = models.JSONField(default=list)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.seen_at}"


class QueueWait(models.Model):
    """Since when work waits in a Celery queue (operations.queues)."""

    name = models.CharField(max_length=50, primary_key=True)
    # Since when its marker, or due mail, waits; NULL if neither waits.
    since = models.DateTimeField(null=True)
    # When the marker in the queue was sent.
    sent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.since}"
