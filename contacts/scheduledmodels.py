"""Files of contacts that are fetched from an address on a schedule, and each fetch of them.

A fetched file becomes an ordinary `Import`. What a person confirmed for one of them (`confirmed`)
is done with the next ones, as long as they leave no doubt (contacts.services.scheduleddoubts).
"""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User, Workspace
from pages.singleline import SingleLineField


class ScheduledImport(models.Model):
    """An address whose file is fetched and imported again and again."""

    class State(models.TextChoices):
        SETUP = "setup", _("To be confirmed")  # nobody has confirmed a file of it yet
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")

    class Login(models.TextChoices):
        NONE = "none", pgettext_lazy("log-in to a server", "None")
        PASSWORD = "password", _("User and password")
        TOKEN = "token", _("Bearer token")
        KEY = "key", _("User and private key")

    class Every(models.TextChoices):
        ONCE = "once", _("Once, now")
        HOUR = "hour", _("Each hour")
        DAY = "day", _("Each day")
        WEEK = "week", _("Each week")

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="scheduled_imports", db_index=False
    )
    name = SingleLineField(_("name"), max_length=100)
    # https:// or sftp://, without user, password and query (contacts.services.scheduledaddresses).
    url = models.CharField(_("address"), max_length=2000)
    # What follows the "?", encrypted (accounts.secrets), as it often is a key; never shown again.
    query = models.BinaryField(null=True, blank=True)
    login = models.CharField(_("log-in"), max_length=8, choices=Login.choices, default=Login.NONE)
    username = SingleLineField(_("user"), max_length=200, blank=True)
    # Password, token or private key, encrypted (accounts.secrets); never shown again.
    secret = models.BinaryField(null=True, blank=True)
    # Keys of an SFTP server as lines of OpenSSH ("ssh-ed25519 AAAA..."): the one that a person
    # confirmed, and another one that it has shown since.
    host_key = models.TextField(blank=True)
    shown_key = models.TextField(blank=True)
    every = models.CharField(_("how often"), max_length=4, choices=Every.choices)
    # In the workspace's time zone; Monday is 0.
    at = models.TimeField(_("time"))
    weekday = models.PositiveSmallIntegerField(_("day of the week"), default=0)
    state = models.CharField(max_length=6, choices=State.choices, default=State.SETUP)
    # When it is fetched next; null: only if a person asks.
    next_at = models.DateTimeField(null=True, blank=True)
    # The last import that was started from it. The next file is compared with it.
    confirmed = models.ForeignKey(
        "contacts.Import", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The names of that file's columns, cut; and whether it went into a list.
    header = models.JSONField(default=list)
    into_list = models.BooleanField(default=False)
    # What the server said of that file: its ETag and Last-Modified.
    etag = models.CharField(max_length=200, blank=True)
    modified = models.CharField(max_length=100, blank=True)
    # Failed fetches one after the other.
    failures = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workspace", "name"), name="scheduled_import_name_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("next_at",),
                name="scheduled_import_due",
                condition=models.Q(state="active", next_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.name


class ScheduledRun(models.Model):
    """One fetch. A worker holds it by a lease and a random `holder` while it is fetched or judged;
    another worker then begins that step anew."""

    class State(models.TextChoices):
        FETCHING = "fetching", _("Being fetched")
        JUDGING = "judging", _("Being checked")  # the whole file is here
        WAITING = "asking", _("Waits for a person")
        STARTED = "taken", pgettext_lazy("a file that was fetched", "Imported")
        UNCHANGED = "same_file", _("File unchanged")
        FAILED = "failed", _("Failed")

    schedule = models.ForeignKey(
        ScheduledImport, models.CASCADE, related_name="runs", db_index=False
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.FETCHING)
    # Why it waits or failed: [[code of contacts.fetchreasons, words], ...].
    reasons = models.JSONField(default=list)
    # Bytes fetched.
    size = models.BigIntegerField(default=0)
    etag = models.CharField(max_length=200, blank=True)
    modified = models.CharField(max_length=100, blank=True)
    of_import = models.ForeignKey(
        "contacts.Import",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="scheduled_runs",
        db_column="import_id",
    )
    # Who asked for it; null: the schedule.
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    leased_until = models.DateTimeField(null=True, blank=True)
    holder = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # When a worker last began to fetch it: workspaces take turns.
    begun_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            # Two ticks, or a tick and a person, start one run.
            models.UniqueConstraint(
                fields=("schedule",),
                name="scheduled_run_once",
                condition=models.Q(state__in=["fetching", "judging"]),
            ),
        )
        indexes = (models.Index(fields=("schedule", "-id"), name="scheduled_run_by_id"),)

    def __str__(self) -> str:
        return f"run {self.pk} of {self.schedule_id}: {self.state}"
