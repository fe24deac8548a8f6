"""The ledger: counts, ranges, batches and messages of mailings, and events of messages."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Q, When
from django.utils.translation import gettext_lazy as _

from relays.models import Relay
from sending.models.mailings import Mailing
from smtp.events import MailEvent


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
    # Of distinct messages; a message can be in several of them, but is in `bounced` once.
    bounced = models.IntegerField(default=0)
    hard_bounced = models.IntegerField(default=0)
    soft_bounced = models.IntegerField(default=0)
    blocked = models.IntegerField(default=0)
    complained = models.IntegerField(default=0)
    unsubscribed = models.IntegerField(default=0)
    # Opened and clicked by people, or by unknown actors (sending.machines).
    opened = models.IntegerField(default=0)
    clicked = models.IntegerField(default=0)
    # The same by machines. People and machines are counted apart: a message may be in both.
    machine_opened = models.IntegerField(default=0, db_default=0)
    machine_clicked = models.IntegerField(default=0, db_default=0)
    # Accepted messages with a pixel of their own. `opened` is a share of them.
    with_pixel = models.IntegerField(default=0, db_default=0)
    # Of `opened`: people who withdrew their consent, so that nobody can see any more who they are.
    opened_unnamed = models.IntegerField(default=0, db_default=0)
    # The same people among those of `machine_opened`.
    machine_opened_unnamed = models.IntegerField(default=0, db_default=0)
    # How often the common pixel of all mails was loaded (OpenCounting.TOTALS).
    pictures_loaded = models.IntegerField(default=0, db_default=0)
    # When the first of the unjudged addresses was refused: addresses where the platform has not
    # decided yet whether to believe the relay (services.verdicts).
    unjudged_since = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("unjudged_since",),
                name="tally_unjudged",
                condition=Q(unjudged_since__isnull=False),
            ),
        )

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
    machine_opened = models.IntegerField(default=0, db_default=0)
    machine_clicked = models.IntegerField(default=0, db_default=0)
    pictures_loaded = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("mailing", "minute"), name="tally_minute_once"),
        )

    def __str__(self) -> str:
        return f"{self.mailing_id} {self.minute}"


class MailingLane(models.Model):
    """A part of a mailing's audience that one mail provider serves: a range of message ids. A
    mailing that is frozen in several pieces has one range for each piece. Messages from `next_id`
    on were never claimed. Messages to be tried again are in the index message_retry; those that a
    worker gave back are in a Batch without a holder."""

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="lanes")
    # `number` of a mail provider (relays.providers); 0: all other addresses.
    lane = models.SmallIntegerField()
    first_id = models.BigIntegerField()
    next_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    targeted = models.IntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("mailing", "lane", "first_id"), name="mailing_lane_once"
            ),
        )

    def __str__(self) -> str:
        return f"lane {self.lane} of {self.mailing_id}"


class Batch(models.Model):
    """A claim: messages that one worker holds by lease. Deleted when its results are recorded. An
    expired lease means that the worker died; the sweeper looks for them. A batch without a holder
    was given back and can be claimed again."""

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="batches")
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="batches", null=True)
    # Those of its messages that have no result yet.
    ids = ArrayField(models.BigIntegerField(), default=list)
    # "<host>:<journal name>": the journal that tells which messages were handed over. "": given
    # back.
    holder = models.CharField(max_length=100, blank=True)
    # Grows with each claim, so that a worker that lost the lease cannot overwrite the next one.
    epoch = models.IntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=("leased_until",), name="batch_lease"),)

    def __str__(self) -> str:
        return f"batch {self.pk} of {self.mailing_id}"


class Message(models.Model):
    """The ledger row: one mail to one address. Narrow, with few indexes: a mailing may have a
    million.

    The rows of a block are in a partition of their own (sending.blocks), so that a block is dropped
    without a DELETE. The same is true of the other tables of detail: StreamItem, LeftOut, Event.

    Batch tells which waiting messages are claimed: claiming new messages touches no row here. No
    index contains `state`. Most rows are updated once, to accepted, and that update is a heap-only
    tuple.

    `contact_id` is no foreign key: the row outlives the contact, and inserts stay fast. It is null
    for a recipient who is no contact (only in streams). `mailing` has no database constraint
    either: checking each row would take a quarter of the time of a freeze. Code that makes rows
    knows that the mailing exists (services.mailings.stop_all).
    """

    # Bits of `machines`. HIDDEN: a proxy opened it that hides whether its person did
    # (machines.Actor.PRIVACY_PROXY), so that nobody can know whether the person opened it.
    MACHINE_OPENED, MACHINE_CLICKED, HIDDEN = 1, 2, 4

    class State(models.IntegerChoices):
        WAITING = 0, _("Waiting")
        ACCEPTED = 2, _("Accepted")
        FAILED = 3, _("Failed")
        SKIPPED = 4, _("Skipped")
        UNKNOWN = 5, _("Unknown")

    mailing = models.ForeignKey(Mailing, models.CASCADE, db_index=False, db_constraint=False)
    contact_id = models.BigIntegerField(null=True)
    relay_id = models.BigIntegerField(null=True)
    # When it reached its state (accepted at, failed at, ...).
    settled_at = models.DateTimeField(null=True)
    # When to try again; null: not tried yet, in a batch, or settled.
    retry_at = models.DateTimeField(null=True)
    # The first time of each event; null: never. The raw facts are in Event. Opens and clicks of
    # machines don't count here.
    bounced_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    state = models.SmallIntegerField(choices=State.choices, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    lane = models.SmallIntegerField(default=0)
    # The number of its content among the mailing's.
    variant = models.SmallIntegerField(default=0)
    # The markets whose rules hold for its mail, as bits (accounts.markets); 0: none, as
    # of all notices. Written with the row, so that what was sent can be shown later.
    markets = models.SmallIntegerField(default=0, db_default=0)
    # Of a stream, where an address may come again and again.
    repeats = models.BooleanField(default=False)
    # Its mail has a pixel of its own, whose hits are opens. The freeze decides it; a consent that
    # is withdrawn ends it, also after the mail went out (queries.openpixels).
    counts_opens = models.BooleanField(default=False, db_default=False)
    # What machines did with it: the sum of some of MACHINE_OPENED, ... Two bytes.
    machines = models.SmallIntegerField(default=0, db_default=0)
    # Its state if that is neither waiting nor accepted: for the index message_not_accepted.
    trouble = models.GeneratedField(
        expression=Case(When(state__gt=2, then=F("state"))),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
    )
    address = models.CharField(max_length=320)
    # A code of pages.reasons for every state but ACCEPTED and untouched WAITING.
    reason = models.CharField(max_length=30, blank=True)
    # The server's reply, in its own words ("550 5.1.1 ..."); also the last transient one.
    reply = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("mailing", "address"),
                name="message_address_once",
                condition=Q(repeats=False),
            ),
        )
        indexes = (
            # Messages to be tried again, the earliest first.
            models.Index(
                fields=("mailing", "retry_at"),
                name="message_retry",
                condition=Q(retry_at__isnull=False),
            ),
            models.Index(fields=("contact_id",), name="message_by_contact"),
            models.Index(
                fields=("mailing", "address"), name="message_repeats", condition=Q(repeats=True)
            ),
            # Recipients who did not get it, and why: the report's groups and tables. Partial:
            # accepted messages, nearly all, never enter it.
            models.Index(
                fields=("mailing", "trouble", "address"),
                name="message_not_accepted",
                condition=Q(trouble__isnull=False),
            ),
            # Messages whose address is to be judged (services.verdicts), also in a stream with
            # years of failed ones. It is nearly empty, and a message accepted at its first try
            # never changes `reason`.
            models.Index(
                fields=("mailing",),
                name="message_pending",
                condition=Q(reason="address_pending"),
            ),
        )

    def __str__(self) -> str:
        return f"message {self.pk} to {self.address}"


LONGEST_KEY = 200


class StreamItem(models.Model):
    """What a message of a stream was appended with. The key makes appending idempotent: a second
    request with it sends nothing. `data`: merge fields of this mail only."""

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, db_constraint=False, related_name="item"
    )
    mailing = models.ForeignKey(
        Mailing, models.CASCADE, related_name="items", db_index=False, db_constraint=False
    )
    key = models.CharField(max_length=LONGEST_KEY)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("mailing", "key"), name="stream_item_once"),)
        # Finds the latest messages of a stream, and those around a given one. The ids of messages
        # don't serve for that: those of other mailings stand between them.
        indexes = (
            models.Index(fields=("mailing", "created_at", "message"), name="stream_item_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.key} of {self.mailing_id}"


class LeftOut(models.Model):
    """A person on the lists of a mailing who did not become a recipient, with the reason. Written
    by the statement that freezes the audience. Like a message, the row outlives the contact."""

    mailing = models.ForeignKey(Mailing, models.CASCADE, db_index=False, db_constraint=False)
    contact_id = models.BigIntegerField()
    # Since when the reason applies: when the person was suppressed, unsubscribed, or put on the
    # excluded list.
    since = models.DateTimeField(null=True)
    # The suppression for the reasons "suppressed_...", else the list that was left or excludes.
    cause_id = models.BigIntegerField(null=True)
    address = models.CharField(max_length=320)
    # A code of pages.reasons.
    reason = models.CharField(max_length=30)

    class Meta:
        constraints = (
            # For paging through all, and for the search by address.
            models.UniqueConstraint(fields=("mailing", "address"), name="left_out_address_once"),
        )
        indexes = (
            # For paging through the people of one reason.
            models.Index(fields=("mailing", "reason", "address"), name="left_out_by_reason"),
            models.Index(fields=("contact_id",), name="left_out_by_contact"),
        )

    def __str__(self) -> str:
        return f"{self.address} left out of {self.mailing_id}: {self.reason}"


class Event(models.Model):
    """Something that happened to a message after it was accepted: the raw fact."""

    class Kind(models.TextChoices):
        HARD_BOUNCED = MailEvent.HARD_BOUNCED.value, _("Hard bounce")
        SOFT_BOUNCED = MailEvent.SOFT_BOUNCED.value, _("Soft bounce")
        BLOCKED = MailEvent.BLOCKED.value, _("Blocked")
        DELAYED = MailEvent.DELAYED.value, _("Delayed")
        COMPLAINED = MailEvent.COMPLAINED.value, _("Complaint")
        AUTO_REPLIED = MailEvent.AUTO_REPLIED.value, _("Automatic reply")
        OPENED = MailEvent.OPENED.value, _("Opened")
        CLICKED = MailEvent.CLICKED.value, _("Clicked")
        UNSUBSCRIBED = MailEvent.UNSUBSCRIBED.value, _("Unsubscribed")

    # No foreign keys in the database, so that a block's partitions can be dropped. Events are only
    # inserted by joins on their messages (queries.events).
    mailing = models.ForeignKey(
        Mailing, models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    message = models.ForeignKey(Message, models.CASCADE, related_name="events", db_constraint=False)
    # That of the message, so that segments find people without reading messages.
    contact_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField()
    # The link's number for a click.
    link = models.SmallIntegerField(null=True)
    # Of an open or click: who did it (machines.Actor). Above 0: a machine. It is what stays of the
    # user agent and the network address, which are not stored.
    actor = models.SmallIntegerField(default=0, db_default=0)
    # The server's words; of an unsubscription the user agent.
    detail = models.TextField(blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("mailing", "kind", "id"), name="event_by_kind"),
            # Who opened or clicked, and when: for segments, which read nothing but this index.
            models.Index(
                fields=("mailing", "kind", "contact_id"),
                include=("at", "actor"),
                name="event_by_contact",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.message_id}"
