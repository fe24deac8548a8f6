"""Relays and pools, the ledger (mailings and their messages), events, and bounce mailboxes."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from designs.models import Content


class Security(models.TextChoices):
    TLS = "tls", _("TLS")
    STARTTLS = "starttls", _("STARTTLS")
    NONE = "none", _("None")


class Relay(models.Model):
    """An SMTP server with its limits. A limit of null is none."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")  # by a person
        STOPPED = (
            "stopped",
            _("Stopped"),
        )  # by the platform: login refused, certificate wrong, ...

    class Envelope(models.TextChoices):
        VERP = "verp", _("A bounce address of its own for each message (VERP)")
        FIXED = "fixed", _("One bounce address")
        FROM = "from", _("The sender address")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="relays")
    name = models.CharField(_("name"), max_length=100)
    # A key of sending.presets, or "" for a server of one's own.
    preset = models.CharField(max_length=30, blank=True)
    host = models.CharField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"), default=587)
    security = models.CharField(
        _("encryption"),
        max_length=8,
        choices=Security.choices,
        default=Security.STARTTLS,
    )
    username = models.CharField(_("user"), max_length=200, blank=True)
    # Encrypted (sending.secrets); never shown again.
    password = models.BinaryField(_("password"), null=True, blank=True)
    per_second = models.DecimalField(
        _("messages per second"), max_digits=9, decimal_places=2, null=True, blank=True
    )
    per_hour = models.PositiveIntegerField(_("messages per hour"), null=True, blank=True)
    per_day = models.PositiveIntegerField(_("messages per day"), null=True, blank=True)
    connections = models.PositiveSmallIntegerField(_("connections"), default=4)
    messages_per_connection = models.PositiveIntegerField(
        _("messages per connection"), null=True, blank=True
    )
    envelope = models.CharField(
        _("envelope sender"),
        max_length=5,
        choices=Envelope.choices,
        default=Envelope.VERP,
    )
    # "bounces@example.com"; VERP puts "+token" before the @. Needed unless `envelope` is FROM.
    bounce_address = models.EmailField(_("bounce address"), blank=True)
    # The built-in sandbox of a new workspace (quickstart).
    is_sandbox = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    state_reason = models.TextField(blank=True)
    # When it came into its state; null: it never left the first one.
    state_since = models.DateTimeField(null=True, blank=True)
    # Set by the pace: "until then this relay takes nothing, because ...".
    wait_until = models.DateTimeField(null=True, blank=True)
    wait_reason = models.CharField(max_length=200, blank=True)
    # Connections that failed one after the other: each makes the next wait longer.
    failures = models.PositiveSmallIntegerField(default=0)
    # When the next stretch of messages per second begins (sending.pace).
    next_slot_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "workspace",
                    "name",
                ),
                name="relay_name_once",
            ),
        )

    def __str__(self) -> str:
        return self.name


class RelayUse(models.Model):
    """Messages handed to a relay in a UTC hour: what hour and day limits are held against."""

    relay = models.ForeignKey(Relay, models.CASCADE, related_name="uses")
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "relay",
                    "hour",
                ),
                name="relay_use_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.relay_id} {self.hour}: {self.count}"


class RelaySlot(models.Model):
    """A share of a relay's connections and rate that one worker holds by lease."""

    relay = models.ForeignKey(Relay, models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    holder = models.CharField(max_length=100, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "relay",
                    "number",
                ),
                name="relay_slot_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.relay_id}/{self.number}"


class Pool(models.Model):
    """Relays that share a mailing's messages by weight, the others taking over when one can't."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="pools")
    name = models.CharField(_("name"), max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "workspace",
                    "name",
                ),
                name="pool_name_once",
            ),
        )

    def __str__(self) -> str:
        return self.name


class PoolMember(models.Model):
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="members")
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="pools")
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "pool",
                    "relay",
                ),
                name="pool_member_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.relay_id} in {self.pool_id}"


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


class BounceMailbox(models.Model):
    """An IMAP account that bounces come back to."""

    class After(models.TextChoices):
        MOVE = "move", _("Move to a folder")
        DELETE = "delete", _("Delete")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="bounce_mailboxes")
    name = models.CharField(_("name"), max_length=100)
    host = models.CharField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"), default=993)
    security = models.CharField(
        _("encryption"), max_length=8, choices=Security.choices, default=Security.TLS
    )
    username = models.CharField(_("user"), max_length=200)
    password = models.BinaryField(_("password"), null=True, blank=True)
    folder = models.CharField(_("folder"), max_length=100, default="INBOX")
    after = models.CharField(
        _("processed mail"), max_length=6, choices=After.choices, default=After.MOVE
    )
    move_to = models.CharField(_("move to"), max_length=100, default="Yanshu", blank=True)
    is_sandbox = models.BooleanField(default=False)
    active = models.BooleanField(_("collect"), default=True)
    # How far it was read: UIDs below are done with, as long as UIDVALIDITY stays.
    uid_validity = models.BigIntegerField(null=True, blank=True)
    next_uid = models.BigIntegerField(default=1)
    leased_until = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    # When the last collection went well, and what was wrong with the last one that didn't.
    collected_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "workspace",
                    "name",
                ),
                name="mailbox_name_once",
            ),
        )

    def __str__(self) -> str:
        return self.name


class BounceMail(models.Model):
    """A mail from a bounce mailbox, stored raw before the mailbox is touched. Those that are not
    about a message of ours keep no raw text."""

    class State(models.TextChoices):
        STORED = "stored", _("Stored")
        PROCESSED = "processed", _("Processed")
        NOT_OURS = "not_ours", _("Not ours")
        FAILED = "failed", _("Could not be read")

    mailbox = models.ForeignKey(BounceMailbox, models.CASCADE, related_name="mails")
    uid_validity = models.BigIntegerField()
    uid = models.BigIntegerField()
    raw = models.BinaryField(null=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.STORED)
    # A class of sending.dsn: hard, soft, blocked, delayed, complaint, auto_reply, challenge, other.
    kind = models.CharField(max_length=10, blank=True)
    sender = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    recipient = models.CharField(max_length=320, blank=True)
    # How it was matched: verp, header, recipient.
    matched_by = models.CharField(max_length=10, blank=True)
    message = models.ForeignKey(Message, models.SET_NULL, null=True, related_name="bounce_mails")
    detail = models.TextField(blank=True)
    collected_at = models.DateTimeField(auto_now_add=True)
    # The mailbox was told (moved or deleted).
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "mailbox",
                    "uid_validity",
                    "uid",
                ),
                name="bounce_mail_once",
            ),
        )

    def __str__(self) -> str:
        return f"bounce mail {self.pk}: {self.kind}"
