"""What a mailing's refusals add up to."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from sending.models.ledger import Mailing


class Refusals(models.Model):
    """How many of a mailing's latest mails were refused for what they are, so that a run of
    refusals pauses it instead of using up its audience; and what its people are told about that.
    There is a row only where something was refused."""

    mailing = models.OneToOneField(Mailing, models.CASCADE, primary_key=True)
    # Of about the last 200: what is older weighs less with each batch (sending.services.refusals).
    decided = models.FloatField(default=0)
    refused = models.FloatField(default=0)
    # Reasons for which it was paused: to be told by mail, and told.
    to_tell = ArrayField(models.CharField(max_length=30), default=list)
    told = ArrayField(models.CharField(max_length=30), default=list)
    # The server's words at the last of these.
    words = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.refused:.0f} of {self.decided:.0f} of mailing {self.mailing_id}"
