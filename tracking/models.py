"""Hits: requests of recipients' programs to the public pages, before they are counted."""

from django.db import models

# The kind of a hit of another page of the mail: unsubscribing, preferences, view in browser. It
# helps to judge clicks of the same seconds, and is forgotten then; it never becomes an event.
LOOKED = "looked"


class Hit(models.Model):
    """An open, click or unsubscription that isn't counted yet, or a look at another page. A request
    inserts it by one cheap statement, without locks or further indexes.
    `tracking.services.hits.record_hits` turns hits into events, in sets, and deletes them in the
    same transaction."""

    # No foreign key: hits of messages that were deleted meanwhile are dropped.
    message_id = models.BigIntegerField()
    # A kind of sending.models.Event, or LOOKED.
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    # The link's number for a click; that of the page (tracking.views.PAGES) for LOOKED.
    link = models.SmallIntegerField(null=True)
    # Of an open or click: who asked, by the request alone (sending.machines.of_request).
    actor = models.SmallIntegerField(default=0, db_default=0)
    # Of an unsubscription.
    user_agent = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} of {self.message_id}"


class PictureHit(models.Model):
    """The common pixel of a mailing's mails was loaded, and this isn't counted yet. It stores
    nothing about who loaded it, and the time only to the minute."""

    mailing_id = models.BigIntegerField()
    minute = models.DateTimeField()

    def __str__(self) -> str:
        return f"picture of {self.mailing_id}"
