"""Campaigns: a design, an audience, a schedule and a sender."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from accounts.opencounting import OpenCounting
from contacts.models import List
from contacts.segmentmodels import Segment
from designs.models import Design
from pages.singleline import SingleLineField
from relays.models import Pool, Relay
from sending.models import Mailing


class Campaign(models.Model):
    """A campaign. Before the start its own `state` counts, afterwards its mailing's state
    (campaigns.transitions has one table for both)."""

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
    segments_in = models.ManyToManyField(Segment, related_name="+", blank=True)
    segments_out = models.ManyToManyField(Segment, related_name="+", blank=True)
    # Campaigns that have started, whose recipients do not get this one.
    campaigns_out = models.ManyToManyField("self", symmetrical=False, related_name="+", blank=True)
    # Nor does who got an advertising mail in the last so many hours; null: it doesn't matter.
    quiet_hours = models.PositiveSmallIntegerField(null=True, blank=True)
    relay = models.ForeignKey(Relay, models.SET_NULL, null=True, blank=True)
    pool = models.ForeignKey(Pool, models.SET_NULL, null=True, blank=True)
    open_counting = models.CharField(
        _("counting opens"),
        max_length=9,
        choices=OpenCounting.choices,
        default=OpenCounting.CONSENT,
    )
    track_clicks = models.BooleanField(_("count clicks"), default=True)
    # In UTC; `timezone` is the zone in which it was entered. Null: at once, when a person sends it.
    scheduled_at = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    # When it may send, in the form of relays.windows; {} is always.
    window = models.JSONField(default=dict, blank=True)
    per_minute = models.PositiveIntegerField(_("messages a minute"), null=True, blank=True)
    mailing = models.OneToOneField(Mailing, models.PROTECT, null=True, blank=True)
    # Grows with each save, so that a save over somebody else's newer version is noticed.
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
    """Figures of a mailing's report that were counted from rows before these were dropped
    (queries.report.PARTS)."""

    mailing = models.OneToOneField(Mailing, models.CASCADE, primary_key=True, related_name="+")
    # {name of the part: its rows}
    parts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"kept report of {self.mailing_id}"
