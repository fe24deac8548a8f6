"""Campaigns: a design, an audience, a schedule and a sender."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from contacts.models import List
from designs.models import Design
from pages.singleline import SingleLineField
from relays.models import Pool, Relay
from sending.models import Mailing


class Campaign(models.Model):
    """What happens before the start is kept here; after it, the mailing's state counts
    (campaigns.states has the one table of both)."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        STARTED = "started", _("Started")
        CANCELLED = "cancelled", _("Cancelled")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="campaigns")
    name = SingleLineField(_("name"), max_length=150)
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    # Why the platform took it back to draft or cancelled it ("the design was deleted").
    state_reason = models.TextField(blank=True)
    from_name = SingleLineField(_("sender name"), max_length=100, blank=True)
    from_email = models.EmailField(_("sender address"), blank=True)
    reply_to = models.EmailField(_("reply to"), blank=True)
    subject = SingleLineField(_("subject"), max_length=500, blank=True)
    preheader = SingleLineField(_("preview text"), max_length=500, blank=True)
    design = models.ForeignKey(Design, models.SET_NULL, null=True, blank=True)
    lists_in = models.ManyToManyField(List, related_name="+", blank=True)
    lists_out = models.ManyToManyField(List, related_name="+", blank=True)
    relay = models.ForeignKey(Relay, models.SET_NULL, null=True, blank=True)
    pool = models.ForeignKey(Pool, models.SET_NULL, null=True, blank=True)
    track_opens = models.BooleanField(_("count opens"), default=True)
    track_clicks = models.BooleanField(_("count clicks"), default=True)
    # In UTC; `timezone` is the zone it was stated in. Null: now, when the person says so.
    scheduled_at = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    # When it may send, as relays.windows has it; {} is always. And at most so many a minute.
    window = models.JSONField(default=dict, blank=True)
    per_minute = models.PositiveIntegerField(_("messages a minute"), null=True, blank=True)
    mailing = models.OneToOneField(Mailing, models.PROTECT, null=True, blank=True)
    # Grows with each save: an editor that saves over another's newer version is told.
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = (
            models.Index(fields=("workspace", "-id"), name="campaign_by_id"),
            models.Index(
                fields=("scheduled_at",),
                name="campaign_due",
                condition=models.Q(state="scheduled"),
            ),
        )

    def __str__(self) -> str:
        return self.name


class KeptReport(models.Model):
    """What the report of a mailing counted from rows that were dropped (queries.report.PARTS)."""

    mailing = models.OneToOneField(Mailing, models.CASCADE, primary_key=True, related_name="+")
    # Rows by the name of their part.
    parts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"kept report of {self.mailing_id}"
