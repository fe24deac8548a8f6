"""Mails that the sandbox accepted, and mails that it returned."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from sandbox.behaviour import SandboxOutcome
from sending.models import Event

# Labels in the words of the events that the mail leads to.
OUTCOMES = [
    (one.value, _("Delivered") if one is SandboxOutcome.DELIVERED else Event.Kind(one.value).label)
    for one in SandboxOutcome
]


class SandboxMail(models.Model):
    """A mail that the sandbox's SMTP server accepted, byte for byte."""

    # Null: the platform's own mail (invitations, password resets), sent without a login.
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, null=True, related_name="sandbox_mails"
    )
    # Makes storing idempotent: it is repeated after an outage of the database.
    key = models.UUIDField(unique=True, default=uuid.uuid4)
    envelope_from = models.CharField(max_length=320, blank=True)
    envelope_to = models.CharField(max_length=320)
    subject = models.CharField(max_length=500, blank=True)
    # What the sandbox did with it.
    outcome = models.CharField(max_length=12, choices=OUTCOMES)
    raw = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("workspace", "-id"), name="sandbox_mail_by_id"),)

    def __str__(self) -> str:
        return f"{self.envelope_to}: {self.subject}"


class SandboxReturn(models.Model):
    """A bounce, complaint or automatic reply in a workspace's IMAP mailbox. A client that deletes
    the message deletes the row. The id is the UID: ids only grow, and only one thread assigns
    them."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="sandbox_returns")
    mail = models.ForeignKey(SandboxMail, models.SET_NULL, null=True, related_name="returns")
    folder = models.CharField(max_length=200, default="INBOX")
    raw = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("workspace", "folder", "id"), name="sandbox_return_uid"),)

    def __str__(self) -> str:
        return f"return {self.pk} in {self.folder}"
