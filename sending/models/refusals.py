"""Counts of a mailing's refusals, and the holds that followed from them."""

from django.db import models
from django.db.models import Q

from relays.models import Relay
from sending.models.mailings import Mailing


class RefusalCount(models.Model):
    """How many of a mailing's latest mails over one relay were accepted and refused, in one lane or
    in all lanes (`lane` "*"). A row exists only if a mail was refused since the count began. Older
    results weigh less with each batch (sending.guards)."""

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="refusal_counts")
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="refusal_counts")
    # A key of relays.providers, a domain, or "*".
    lane = models.CharField(max_length=253)
    accepted = models.FloatField(default=0)
    refused = models.FloatField(default=0)
    # Of these, refused because of the mail's content or its sender.
    blamed = models.FloatField(default=0)
    # How many first tries were refused since the last accepted mail; only for "*".
    row = models.IntegerField(default=0)
    # When the first of these refusals was recorded.
    began_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("mailing", "relay", "lane"), name="refusal_count_once"),
        )

    def __str__(self) -> str:
        return f"{self.refused:.0f} refused in {self.lane} of mailing {self.mailing_id}"


class Hold(models.Model):
    """A run of refusals stopped a lane of a mailing, a relay for one mailing or for all, or a whole
    mailing. The hold lasts until `released_at`. Until a person decides, the refused messages can be
    tried again."""

    class Kind(models.TextChoices):
        LANE = "lane"  # mails of the mailing to one mail provider or domain, over one relay
        ROUTE = "route"  # the mailing over one relay; others of its pool carry on
        RELAY = "relay"  # the relay was stopped
        MAILING = "mailing"  # the mailing was paused

    class Decision(models.TextChoices):
        RETRIED = "retried"
        KEPT = "kept"
        DROPPED = "dropped"

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="holds")
    # The relay that refused; for a whole mailing, the one that refused last.
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="holds")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    # For a lane: a key of relays.providers or a domain, and its number (0 for a domain).
    lane = models.CharField(max_length=253, blank=True)
    lane_number = models.SmallIntegerField(default=0)
    # A code of pages.reasons, and the server's last reply.
    reason = models.CharField(max_length=30)
    words = models.TextField(blank=True)
    # How many of `decided` mails were refused; 0 where one refusal was enough.
    refused = models.IntegerField(default=0)
    decided = models.IntegerField(default=0)
    # When the run began: messages that failed since then can be tried again.
    since = models.DateTimeField()
    at = models.DateTimeField(auto_now_add=True)
    # When it is released by itself; null: only by a person.
    until = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=7, choices=Decision.choices, blank=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("mailing", "kind", "relay", "lane"),
                name="hold_once",
                condition=Q(released_at=None),
            ),
        )
        indexes = (models.Index(fields=("at",), name="hold_to_tell", condition=Q(told_at=None)),)

    def __str__(self) -> str:
        return f"{self.kind} {self.lane} of mailing {self.mailing_id} is held"
