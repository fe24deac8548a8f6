"""SMTP servers with their limits, and pools of them."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from pages.singleline import SingleLineField
from relays.managers import Manager, managers


class Security(models.TextChoices):
    TLS = "tls", _("TLS")
    STARTTLS = "starttls", _("STARTTLS")
    NONE = "none", _("None")


# States in which a relay carries mail.
WORKING = ("active", "draining")


class Relay(models.Model):
    """An SMTP server with its limits. A limit of null: no limit."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        # Ends the mailings that it has begun with, takes no new ones, and is paused afterwards.
        DRAINING = "draining", _("Draining")
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
    name = SingleLineField(_("name"), max_length=100)
    # A key of relays.providers.presets, or "" for a server of one's own.
    preset = models.CharField(max_length=30, blank=True)
    host = SingleLineField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"), default=587)
    security = models.CharField(
        _("encryption"),
        max_length=8,
        choices=Security.choices,
        default=Security.STARTTLS,
    )
    username = SingleLineField(_("user"), max_length=200, blank=True)
    # Encrypted (accounts.secrets); never shown again.
    password = models.BinaryField(_("password"), null=True, blank=True)
    per_second = models.DecimalField(
        _("messages per second"), max_digits=9, decimal_places=2, null=True, blank=True
    )
    per_minute = models.PositiveIntegerField(_("messages per minute"), null=True, blank=True)
    per_hour = models.PositiveIntegerField(_("messages per hour"), null=True, blank=True)
    per_day = models.PositiveIntegerField(_("messages per day"), null=True, blank=True)
    # Null: the engine finds out (connections_found).
    connections = models.PositiveSmallIntegerField(_("connections"), null=True, blank=True)
    connections_found = models.PositiveSmallIntegerField(null=True, blank=True)
    # When the server last said that there were too many connections.
    connections_refused_at = models.DateTimeField(null=True, blank=True)
    # {"plan": a key of relays.warmups} or {"days": [50, 100, ...]}; {} is none.
    warmup = models.JSONField(_("warm-up"), default=dict, blank=True)
    warmup_began = models.DateField(null=True, blank=True)
    # BDAT where the server offers CHUNKING.
    chunking = models.BooleanField(_("send in chunks (BDAT)"), default=False)
    # The slower mode (smtp.Mode) that the server needs, why and since when; "": none.
    exchange = models.CharField(max_length=10, blank=True)
    exchange_why = models.TextField(blank=True)
    exchange_since = models.DateTimeField(null=True, blank=True)
    messages_per_connection = models.PositiveIntegerField(
        _("messages per connection"), null=True, blank=True
    )
    # The number of mails after which the server wanted a new connection, and when it last did.
    messages_per_connection_found = models.PositiveIntegerField(null=True, blank=True)
    messages_per_connection_found_at = models.DateTimeField(null=True, blank=True)
    envelope = models.CharField(
        _("envelope sender"),
        max_length=5,
        choices=Envelope.choices,
        default=Envelope.VERP,
    )
    # "bounces@example.com"; VERP puts "+token" before the @. Needed unless `envelope` is FROM.
    bounce_address = models.EmailField(_("bounce address"), blank=True)
    # The app that runs its server and looks after it (relays.managers); "": people do.
    managed_by = models.CharField(max_length=30, blank=True)
    # Whether what it takes reaches people.
    delivers = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    # Why it was stopped: a code of pages.reasons. `state_words`: the words of its server, or of the
    # system, about the stop or the present wait.
    state_reason = models.CharField(max_length=30, blank=True)
    state_words = models.TextField(blank=True)
    # When the server, with the present settings, was seen to work: by a test, or by an accepted
    # mail. Null: never; people are asked before the relay carries a campaign.
    tested_at = models.DateTimeField(null=True, blank=True)
    # When it entered its state; null: it is still in the first one.
    state_since = models.DateTimeField(null=True, blank=True)
    # The relay sends nothing until then, with the reason (relays.services.pace and health).
    wait_until = models.DateTimeField(null=True, blank=True)
    wait_reason = models.CharField(max_length=200, blank=True)
    # Failed connections in a row: each makes the next wait longer.
    failures = models.PositiveSmallIntegerField(default=0)
    # When the next interval of its rate begins (relays.services.pace).
    next_slot_at = models.DateTimeField(null=True, blank=True)
    # Mailings that were opened later don't go through this relay.
    draining_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "name"), name="relay_name_once"),
        )

    def __str__(self) -> str:
        return self.name

    def takes(self, opened_at: datetime) -> bool:
        """Whether its state lets it carry a mailing opened at that time; the same in SQL:
        relays.queries.able."""
        if self.state == self.State.DRAINING and self.draining_since:
            return opened_at <= self.draining_since
        return self.state == self.State.ACTIVE

    def rests(self, now: datetime) -> bool:
        """Whether it waits, for a limit or because of its server's replies."""
        return self.wait_until is not None and self.wait_until > now

    @property
    def untested(self) -> bool:
        """Whether it may send, and was never seen to work."""
        return self.tested_at is None and self.delivers

    @property
    def managed(self) -> bool:
        return bool(self.managed_by)

    @property
    def manager(self) -> Manager | None:
        return managers.get(self.managed_by)


class Lane(models.Model):
    """The learned rate of a relay to one mail provider or domain, or of its own server. A row
    exists only if something was learned (relays.lanes)."""

    relay = models.ForeignKey(Relay, models.CASCADE, related_name="lanes")
    # A key of relays.providers, a domain, or "*": the relay's own server.
    name = SingleLineField(max_length=253)
    # Messages a second; null: no limit was met.
    rate = models.FloatField(null=True)
    # The rate at which it last met a limit, and the seconds of sending since then.
    ceiling = models.FloatField(null=True)
    steady = models.FloatField(default=0)
    # When a message of the lane was last accepted.
    seen_at = models.DateTimeField(null=True)
    # Closed until then, with the reason; it opens with one message as a probe (half-open).
    closed_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=30, blank=True)
    words = models.TextField(blank=True)
    # Pauses in a row.
    failures = models.PositiveSmallIntegerField(default=0)
    half_open = models.BooleanField(default=False)
    # When the next interval of its rate begins.
    next_slot_at = models.DateTimeField(null=True)
    # Seconds from content to reply, smoothed.
    latency = models.FloatField(null=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("relay", "name"), name="lane_once"),)

    def __str__(self) -> str:
        return f"{self.name} over {self.relay_id}"


class RelayMinute(models.Model):
    """A relay's replies in one minute by meaning (smtp.replies), for the curves of its page."""

    relay = models.ForeignKey(Relay, models.CASCADE, related_name="minutes")
    minute = models.DateTimeField()
    # "accepted", another meaning, or "unknown".
    meaning = models.CharField(max_length=20)
    count = models.IntegerField(default=0)
    # Sum of the seconds from content to reply.
    seconds = models.FloatField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("relay", "minute", "meaning"), name="relay_minute_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.relay_id} {self.minute}: {self.count} {self.meaning}"


class RelayUse(models.Model):
    """Messages handed to a relay in a UTC hour, for its limits of hour and day."""

    relay = models.ForeignKey(Relay, models.CASCADE, related_name="uses")
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("relay", "hour"), name="relay_use_once"),)

    def __str__(self) -> str:
        return f"{self.relay_id} {self.hour}: {self.count}"


class RelaySlot(models.Model):
    """A share of a relay's connections and rate that one worker holds by lease."""

    relay = models.ForeignKey(Relay, models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    holder = models.CharField(max_length=100, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    # Connections that the worker has open.
    open = models.PositiveSmallIntegerField(default=0)
    # Since then replies are owed and none came; null: replies come, or none is owed.
    silent_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("relay", "number"), name="relay_slot_once"),)

    def __str__(self) -> str:
        return f"{self.relay_id}/{self.number}"


class Pool(models.Model):
    """Relays that share a mailing's messages by weight; if one can't send, the others take over."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="pools")
    name = SingleLineField(_("name"), max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "name"), name="pool_name_once"),
        )

    def __str__(self) -> str:
        return self.name


class PoolMember(models.Model):
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="members")
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="pools")
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    # The lowest tier with a relay that can work carries the mail; higher tiers stand by.
    tier = models.PositiveSmallIntegerField(_("tier"), default=1)
    # Messages that it took of the pool's, as of `carried_at`; the count decays within minutes.
    carried = models.FloatField(default=0)
    carried_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("pool", "relay"), name="pool_member_once"),)

    def __str__(self) -> str:
        return f"{self.relay_id} in {self.pool_id}"
