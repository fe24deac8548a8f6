"""SMTP servers with their limits, and pools of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace


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
