"""The ledger: mailings, their messages and counts, and what happened to them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from designs.models import Content
from sending.models.relays import Pool, Relay


class Mailing(models.Model):
    """Messages with one content, sent under the same rules. Transitions: sending.states."""

    class State(models.TextChoices):
        SENDING = "sending", _("Sending")
        PAUSED = "paused", _("Paused")
        CANCELLED = "cancelled", _("Cancelled")
        FINISHED = "finished", _("Finished")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="mailings")
    # What it was opened for ("campaign 7"); shown in sources of suppressions.
    origin = models.CharField(max_length=100)
    content = models.ForeignKey(Content, models.PROTECT)
    from_name = models.CharField(max_length=100, blank=True)
    from_email = models.EmailField()
    reply_to = models.EmailField(blank=True)
    relay = models.ForeignKey(Relay, models.PROTECT, null=True, blank=True)
    pool = models.ForeignKey(Pool, models.PROTECT, null=True, blank=True)
    # The lists it went to: an unsubscribe leaves these.
    list_ids = models.JSONField(default=list)
    track_opens = models.BooleanField(default=True)
    track_clicks = models.BooleanField(default=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.SENDING)
    # Why it is paused or cancelled, when the platform did it.
    state_reason = models.TextField(blank=True)
    # Why it waits and until when, while SENDING; kept by the dispatcher.
    wait_reason = models.CharField(max_length=200, blank=True)
    wait_until = models.DateTimeField(null=True, blank=True)
    # Transient failures are retried until a message is this old.
    retry_for = models.DurationField()
    # People left out when the audience was frozen: {reason: count}.
    excluded = models.JSONField(default=dict)
    opened_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

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
        )

    def __str__(self) -> str:
        return f"mailing {self.pk} ({self.origin})"


class Tally(models.Model):
    """A mailing's counts, kept by the same transactions that move its messages, so that a page
    never counts rows. At every commit: targeted = the sum of the six states."""

    mailing = models.OneToOneField(Mailing, models.CASCADE, primary_key=True)
    targeted = models.IntegerField(default=0)
    waiting = models.IntegerField(default=0)
    in_flight = models.IntegerField(default=0)
    accepted = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)
    unknown = models.IntegerField(default=0)
    # Of distinct messages:
    hard_bounced = models.IntegerField(default=0)
    soft_bounced = models.IntegerField(default=0)
    complained = models.IntegerField(default=0)
    unsubscribed = models.IntegerField(default=0)
    opened = models.IntegerField(default=0)
    clicked = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"tally of {self.mailing_id}"


class TallyMinute(models.Model):
    """What happened to a mailing in one minute: the series of the live page and the report."""

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="minutes")
    minute = models.DateTimeField()
    accepted = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    bounced = models.IntegerField(default=0)
    opened = models.IntegerField(default=0)
    clicked = models.IntegerField(default=0)
    unsubscribed = models.IntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "mailing",
                    "minute",
                ),
                name="tally_minute_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.mailing_id} {self.minute}"


class Batch(models.Model):
    """A claim: messages that one worker holds by lease. Deleted when its results are recorded;
    what the sweeper finds expired has lost its worker."""

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="batches")
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="batches")
    # "<host>:<journal name>": whose journal tells what was handed over.
    holder = models.CharField(max_length=100)
    leased_until = models.DateTimeField()
    claimed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=("leased_until",), name="batch_lease"),)

    def __str__(self) -> str:
        return f"batch {self.pk} of {self.mailing_id}"


class Message(models.Model):
    """The ledger row: one mail to one address. Narrow, few indexes: a million a mailing.

    `contact_id` is no foreign key: the row outlives the contact, and inserts stay fast. Nor does
    the database check `mailing`: rows are only made in the transaction that makes their mailing,
    and checking it for each would take a quarter of the time of a freeze.
    """

    class State(models.IntegerChoices):
        WAITING = 0, _("Waiting")
        IN_FLIGHT = 1, _("In flight")
        ACCEPTED = 2, _("Accepted")
        FAILED = 3, _("Failed")
        SKIPPED = 4, _("Skipped")
        UNKNOWN = 5, _("Unknown")

    mailing = models.ForeignKey(Mailing, models.CASCADE, db_index=False, db_constraint=False)
    contact_id = models.BigIntegerField()
    address = models.CharField(max_length=320)
    state = models.SmallIntegerField(choices=State.choices, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    # Not before; moved on by transient replies.
    due_at = models.DateTimeField()
    # The claim that holds it while IN_FLIGHT.
    batch_id = models.BigIntegerField(null=True)
    relay_id = models.BigIntegerField(null=True)
    # A code of sending.reasons for every state but ACCEPTED and untouched WAITING.
    reason = models.CharField(max_length=30, blank=True)
    # The server's reply, in its own words ("550 5.1.1 ..."); also of the last transient one.
    reply = models.TextField(blank=True)
    # When it reached its state (accepted at, failed at, ...).
    settled_at = models.DateTimeField(null=True)
    # First time of each; null: never. The raw facts are in Event.
    bounced_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "mailing",
                    "address",
                ),
                name="message_address_once",
            ),
        )
        indexes = (
            # The queue. Partial: rows leave it for good when they settle.
            models.Index(
                fields=(
                    "mailing",
                    "due_at",
                    "id",
                ),
                name="message_due",
                condition=models.Q(state=0),
            ),
            models.Index(
                fields=("batch_id",),
                name="message_in_flight",
                condition=models.Q(state=1),
            ),
            models.Index(fields=("contact_id",), name="message_by_contact"),
            # Who did not get it, and why: the report's groups and tables. Partial: those that are
            # accepted, nearly all, never enter it.
            models.Index(
                fields=(
                    "mailing",
                    "state",
                    "address",
                ),
                name="message_not_accepted",
                condition=models.Q(state__in=[3, 4, 5]),
            ),
        )

    def __str__(self) -> str:
        return f"message {self.pk} to {self.address}"


class Event(models.Model):
    """Something that happened to a message after it was accepted: the raw fact."""

    class Kind(models.TextChoices):
        BOUNCED_HARD = "hard", _("Hard bounce")
        BOUNCED_SOFT = "soft", _("Soft bounce")
        BLOCKED = "blocked", _("Blocked")
        DELAYED = "delayed", _("Delayed")
        COMPLAINED = "complained", _("Complaint")
        AUTO_REPLIED = "auto_reply", _("Automatic reply")
        OPENED = "opened", _("Opened")
        CLICKED = "clicked", _("Clicked")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="events", db_index=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField()
    # The link's number for a click.
    link = models.SmallIntegerField(null=True)
    # The server's words, a user agent, ...
    detail = models.TextField(blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=(
                    "mailing",
                    "kind",
                    "id",
                ),
                name="event_by_kind",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.message_id}"
