"""Hits: what recipients' programs asked of the public pages, before it is counted."""

from django.db import models


class Hit(models.Model):
    """A raw fact, inserted by a request with one cheap statement and without locks or indexes to
    keep; `tracking.services.hits.record_hits` turns hits into events, in sets, and removes them in
    the same transaction."""

    # No foreign key: hits of messages that are gone by then are dropped.
    message_id = models.BigIntegerField()
    # A kind of sending.models.Event.
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    # The link's number for a click.
    link = models.SmallIntegerField(null=True)
    user_agent = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} of {self.message_id}"
