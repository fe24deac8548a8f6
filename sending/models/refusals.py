"""What a mailing's refusals add up to, and what they stopped."""

from django.db import models
from django.db.models import Q

from relays.models import Relay
from sending.models.ledger import Mailing


class RefusalCount(models.Model):
    """How many of a mailing's latest mails over one relay were accepted and refused, in one lane or
    in all (`lane` "*"). There is a row only where something was refused since the count began.
    What is older weighs less with each batch (sending.guards)."""

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="refusal_counts")
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="refusal_counts")
    # A key of relays.providers, a domain, or "*".
    lane = models.CharField(max_length=253)
    accepted = models.FloatField(default=0)
    refused = models.FloatField(default=0)
    # Of these, for what the mail or its sender is.
    blamed = models.FloatField(default=0)
    # Of first tries, how many were refused since the last accepted mail; for "*" alone.
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
    """A run of refusals, and what it stopped: a lane of a mailing, a relay for one mailing or for
    all, or a whole mailing. It holds until `released_at`; what was refused in it can be taken back
    until somebody has decided."""

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
    # Over which it was refused; of a whole mailing, the one that it was seen at last.
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="holds")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    # Of a lane: a key of relays.providers or a domain, and its number (0 for a domain).
    lane = models.CharField(max_length=253, blank=True)
    lane_number = models.SmallIntegerField(default=0)
    # A code of pages.reasons, and the last server's words.
    reason = models.CharField(max_length=30)
    words = models.TextField(blank=True)
    # Of so many mails so many were refused; 0 where one was enough.
    refused = models.IntegerField(default=0)
    decided = models.IntegerField(default=0)
    # When the run began: what failed since then can be taken back.
    since = models.DateTimeField()
    at = models.DateTimeField(auto_now_add=True)
    # Goes on by itself then; null: when somebody decides.
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
