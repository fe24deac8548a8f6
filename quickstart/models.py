"""What the mail sandbox got."""

from django.db import models

from accounts.models import Workspace


class SandboxMail(models.Model):
    """A mail that the sandbox's SMTP server took, as it came over the wire."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="sandbox_mails")
    envelope_from = models.CharField(max_length=320, blank=True)
    envelope_to = models.CharField(max_length=320)
    subject = models.CharField(max_length=500, blank=True)
    # What the sandbox did with it: delivered, bounced, complained, auto_replied.
    outcome = models.CharField(max_length=12)
    raw = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(
                fields=(
                    "workspace",
                    "-id",
                ),
                name="sandbox_mail_by_id",
            ),
        )

    def __str__(self) -> str:
        return f"{self.envelope_to}: {self.subject}"


class Heartbeat(models.Model):
    """That a worker process (or beat) works: written every few seconds while it does."""

    # "send@host", or "beat".
    name = models.CharField(max_length=200, primary_key=True)
    # What it takes tasks from.
    queues = models.JSONField(default=list)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.seen_at}"
