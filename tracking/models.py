"""Hits: requests of recipients' programs to the public pages, before they are counted."""

from django.db import models


class Hit(models.Model):
    """An open, click or unsubscription that isn't counted yet. A request inserts it by one cheap
    statement, without locks or further indexes. `tracking.services.hits.record_hits` turns hits
    into events, in sets, and deletes them in the same transaction."""

    # No foreign key: hits of messages that were deleted meanwhile are dropped.
    message_id = models.BigIntegerField()
    # A kind of sending.models.Event.
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    # The link's number for a click.
    link = models.SmallIntegerField(null=True)
    user_agent = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} of {self.message_id}"
