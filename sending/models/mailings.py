"""Mailings, their contents, and the part of an audience that is not frozen yet."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from contacts.audience import Audience
from contacts.sourced import Sourced
from designs.models import Content
from pages.singleline import SingleLineField
from relays.models import Pool, Relay
from sending import purposes


class Mailing(Sourced):
    """Messages that are sent under the same rules. Transitions: sending.transitions. `source`: what
    it was opened for. Changes of subscriptions and suppressions that it causes get the same
    source."""

    class State(models.TextChoices):
        SENDING = "sending", _("Sending")
        PAUSED = "paused", _("Paused")
        CANCELLED = "cancelled", _("Cancelled")
        FINISHED = "finished", _("Finished")

    # Not over: it is being sent, or a person may resume it.
    LIVE = (State.SENDING, State.PAUSED)

    class Kind(models.TextChoices):
        # Its audience is frozen once, an address gets it once, and it finishes.
        ONE_OFF = "one_off", _("One-off")
        # Messages are appended to it until somebody closes it (services.streams).
        STREAM = "stream", _("Stream")

    class Purpose(models.TextChoices):
        ADVERTISING = purposes.ADVERTISING, _("Advertising")
        NOTICE = purposes.NOTICE, _("Notice")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="mailings")
    kind = models.CharField(max_length=7, choices=Kind.choices, default=Kind.ONE_OFF)
    purpose = models.CharField(max_length=11, choices=Purpose.choices, default=Purpose.ADVERTISING)
    from_name = SingleLineField(max_length=100, blank=True)
    from_email = models.EmailField()
    reply_to = models.EmailField(blank=True)
    relay = models.ForeignKey(Relay, models.PROTECT, null=True, blank=True)
    pool = models.ForeignKey(Pool, models.PROTECT, null=True, blank=True)
    # Whom it was opened for: contacts.audience.Audience.as_json.
    audience = models.JSONField(default=dict)
    open_counting = models.CharField(
        max_length=9, choices=OpenCounting.choices, default=OpenCounting.NONE
    )
    track_clicks = models.BooleanField(default=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.SENDING)
    # Why it is paused, when the platform did it: a code of pages.reasons, and a server's words.
    state_reason = models.CharField(max_length=30, blank=True)
    state_words = models.TextField(blank=True)
    # Why and until when it waits, while it is SENDING and no message can go out (services.waits).
    wait_reason = models.CharField(max_length=200, blank=True)
    wait_until = models.DateTimeField(null=True, blank=True)
    # Everything that waits, also while the rest goes out: one services.waits.Line each.
    waits = models.JSONField(default=list, blank=True)
    # Lower goes first: transactional mail 0, campaigns 10.
    priority = models.SmallIntegerField(default=10)
    # At most so many messages a minute; null: as the relays allow.
    per_minute = models.PositiveIntegerField(null=True, blank=True)
    # When the next interval of that rate begins.
    next_slot_at = models.DateTimeField(null=True, blank=True)
    # When it may send (relays.windows): {"days": [1..7], "from": "09:00", "to": "18:00", "zone":
    # "Asia/Shanghai"}; {} is always.
    window = models.JSONField(default=dict, blank=True)
    # Transient failures are retried until a message is this old.
    retry_for = models.DurationField()
    # When a person last had failed messages tried again: their age counts from then.
    retried_at = models.DateTimeField(null=True, blank=True)
    # People left out when the audience was frozen: {reason: count}.
    excluded = models.JSONField(default=dict)
    opened_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # A stream that takes no more messages.
    closed_at = models.DateTimeField(null=True, blank=True)
    # A stream without waiting messages: the queries of each second leave it out.
    idle = models.BooleanField(default=False)
    # When its messages, events and people left out were dropped (services.retention); counts stay.
    details_dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(relay=None) ^ models.Q(pool=None),
                name="mailing_one_route",
            ),
        )
        indexes = (
            models.Index(
                fields=("state",),
                name="mailing_live",
                condition=models.Q(state__in=["sending", "paused"]),
            ),
            models.Index(
                fields=("id",),
                name="mailing_busy",
                condition=models.Q(state="sending", idle=False),
            ),
        )

    def __str__(self) -> str:
        return f"mailing {self.pk} ({self.source})"

    @cached_property
    def contents(self) -> dict[int, Content]:
        """{number of a variant: its content}, those for every language first."""
        rows = self.variants.select_related("content").order_by("language", "number")
        return {one.number: one.content for one in rows}

    @property
    def content(self) -> Content:
        """The first one; most mailings have only this one."""
        return next(iter(self.contents.values()))

    @property
    def goes_on_at(self) -> datetime | None:
        """`wait_until`; None if it is over, or will be before anybody has read it."""
        soon = timezone.now() + timedelta(seconds=1)
        return self.wait_until if self.wait_until and self.wait_until > soon else None

    @property
    def people(self) -> Audience:
        return Audience.from_json(self.workspace_id, self.audience)

    @property
    def list_ids(self) -> list[int]:
        """The lists it went to: an unsubscribe leaves these."""
        return list(self.people.list_ids)


class Variant(models.Model):
    """A content of a mailing. Each message names the number of its own (`Message.variant`)."""

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="variants")
    number = models.SmallIntegerField(default=0)
    content = models.ForeignKey(Content, models.PROTECT, related_name="+")
    name = SingleLineField(max_length=50, blank=True)
    # The language of the contacts who get it, a BCP 47 tag in the form of
    # contacts.languages.canonical. "": for everybody whose language has no variant.
    language = models.CharField(max_length=35, blank=True)
    # Its share of these recipients, in proportion to others of the same language.
    weight = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("mailing", "number"), name="variant_once"),
            models.UniqueConstraint(
                fields=("mailing", "language", "name"), name="variant_name_once"
            ),
        )

    def __str__(self) -> str:
        return f"variant {self.number} of {self.mailing_id}"

    @property
    def label(self) -> str:
        """Its name on pages: language and name, or else its place."""
        words = [word for word in (self.language, self.name) if word]
        return " ".join(words) or str(self.number + 1)


class Freezing(models.Model):
    """The part of a mailing's audience that is not frozen yet: contacts from `next_id` to `last_id`
    (services.freezing). After a crash the next piece begins where the last one ended. The row is
    deleted when all contacts are frozen."""

    mailing = models.OneToOneField(Mailing, models.CASCADE, primary_key=True)
    next_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    # How many ids of contacts the next pieces span.
    width = models.BigIntegerField()
    # Percent of the recipients who get nothing.
    holdout = models.FloatField(default=0)
    # Hosts sent mails of later pieces that this restored database does not know. Which of the
    # remaining contacts got one is unknown (services.fence).
    in_doubt = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"rest of {self.mailing_id} from contact {self.next_id}"
