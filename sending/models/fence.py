"""Tables that keep a database restored from a backup from sending again (services.fence)."""

import uuid
from enum import Enum

from django.db import models
from django.utils.translation import gettext_lazy as _

from sending.models.mailings import Mailing


def new_key() -> str:
    return uuid.uuid4().hex


class Installation(models.Model):
    """One row: the installation that this database belongs to, and where the database lay when a
    person last confirmed that."""

    id = models.BooleanField(primary_key=True, default=True)
    key = models.CharField(max_length=32, default=new_key)
    # Identifies the cluster, the database and this table; pg_restore changes it (queries.fence).
    stamp = models.CharField(max_length=100, blank=True)
    # Identifies the files of an embedded cluster; copying them changes it.
    place = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(id=True), name="installation_once"),
        )

    def __str__(self) -> str:
        return self.key


class HostPosition(models.Model):
    """How far a sending host is. A file of that host has the same number or a smaller one. A larger
    number in the file means that this database is older than the mails that the host sent."""

    host = models.CharField(max_length=32, primary_key=True)
    name = models.CharField(max_length=200)
    generation = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.generation}"


class Fence(models.Model):
    """The database was found to be restored or copied: nothing is sent until a person decides."""

    class Why(models.TextChoices):
        MOVED = "moved", _("The database was restored from a dump or copied.")
        OLDER = "older", _("The database is older than what a host of this installation sent.")
        COPIED = "copied", _("The state directory with the database was restored or copied.")

    why = models.CharField(max_length=6, choices=Why.choices)
    # Name of the host that noticed it.
    host = models.CharField(max_length=200)
    noticed_at = models.DateTimeField(auto_now_add=True)
    # From then on new mailings are sent. Each mailing that was under way has a row in Fenced.
    released_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.why} at {self.noticed_at}"


class RestOfAudience(Enum):
    """The people of a mailing's audience who are not in this database yet. `IN_DOUBT`: hosts mailed
    some of them, so all count as of unknown result (services.freezing.doubt_rest)."""

    NONE = "none"
    WAITING = "waiting"
    IN_DOUBT = "in_doubt"


class Fenced(models.Model):
    """A mailing that was under way: paused until a person decides."""

    class Decision(models.TextChoices):
        NONE = "", _("Not decided")
        GO_ON = "go_on", _("Counted, and went on")
        PAUSED = "paused", _("Counted, and stayed paused")

    mailing = models.OneToOneField(Mailing, models.CASCADE, primary_key=True)
    fence = models.ForeignKey(Fence, models.CASCADE, related_name="fenced")
    # It was being sent: no person had paused it.
    was_sending = models.BooleanField()
    decision = models.CharField(max_length=6, choices=Decision.choices, blank=True)
    decided_at = models.DateTimeField(null=True)
    # Messages counted as sent because the hosts' logs say so: accepted ones, and those that were
    # handed over without an answer.
    accepted = models.IntegerField(default=0)
    in_doubt = models.IntegerField(default=0)

    # Set by services.fence.undecided. (accepted, in doubt) as they would be counted now; what
    # becomes of the people who were not frozen yet.
    known: tuple[int, int] = (0, 0)
    rest: RestOfAudience = RestOfAudience.NONE

    def __str__(self) -> str:
        return f"mailing {self.mailing_id}: {self.decision}"


class HostReport(models.Model):
    """A host's report of what it sent. `unknown`: mailings that this database doesn't have, such as
    {"source": ["campaign", 9], "accepted": 100, "in_doubt": 0, "last": "2026-11-29T10:00:00Z"}.
    `unreadable`: lines of its sent log that can't be read."""

    fence = models.ForeignKey(Fence, models.CASCADE, related_name="reports")
    host = models.CharField(max_length=32)
    name = models.CharField(max_length=200)
    unknown = models.JSONField(default=list)
    unreadable = models.IntegerField(default=0)
    reported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("fence", "host"), name="host_report_once"),)

    def __str__(self) -> str:
        return f"{self.name} for fence {self.fence_id}"


class SentRange(models.Model):
    """A range of messages that a host handed over, from its sent log. Not `accepted`: no answer
    came."""

    report = models.ForeignKey(HostReport, models.CASCADE, related_name="ranges")
    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="+")
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    accepted = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.first_id}-{self.last_id}"


class SendHost(models.Model):
    """A host that has workers of the queue `send`, and whether it can do that work."""

    name = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField()
    # A code of sending.host.trouble; "": none.
    trouble = models.CharField(max_length=20, blank=True)
    # The operating system's error message.
    words = models.CharField(max_length=300, blank=True)
    trouble_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.trouble or 'able'}"
