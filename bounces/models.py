"""Mailboxes that bounces come back to, and the mails from them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from pages.singleline import SingleLineField
from relays.models import Security
from sending.models.ledger import Message


class BounceMailbox(models.Model):
    """An IMAP account that bounces come back to."""

    class After(models.TextChoices):
        MOVE = "move", _("Move to a folder")
        DELETE = "delete", _("Delete")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="bounce_mailboxes")
    name = SingleLineField(_("name"), max_length=100)
    host = SingleLineField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"), default=993)
    security = models.CharField(
        _("encryption"), max_length=8, choices=Security.choices, default=Security.TLS
    )
    username = SingleLineField(_("user"), max_length=200)
    password = models.BinaryField(_("password"), null=True, blank=True)
    folder = SingleLineField(_("folder"), max_length=100, default="INBOX")
    after = models.CharField(
        _("processed mail"), max_length=6, choices=After.choices, default=After.MOVE
    )
    move_to = SingleLineField(_("move to"), max_length=100, default="Yanshu", blank=True)
    # The app that runs its server and looks after it (relays.managers); "": people do.
    managed_by = models.CharField(max_length=30, blank=True)
    active = models.BooleanField(_("collect"), default=True)
    # How far it was read: UIDs below are done with, as long as UIDVALIDITY stays.
    uid_validity = models.BigIntegerField(null=True, blank=True)
    next_uid = models.BigIntegerField(default=1)
    # Up to this UID mails are read one by one, because one of many could not be; and how often the
    # first of them failed.
    stuck_until = models.BigIntegerField(null=True, blank=True)
    stuck_tries = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    # When the last collection went well, and what was wrong with the last one that didn't.
    collected_at = models.DateTimeField(null=True, blank=True)
    # A key of bounces.imap.errors.SENTENCES, and what the server or the system said.
    error = models.CharField(max_length=20, blank=True)
    error_words = models.TextField(blank=True)
    # When its people were told of many unproven reports.
    flood_told_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "name"), name="mailbox_name_once"),
        )

    def __str__(self) -> str:
        return self.name


class BounceMail(models.Model):
    """A mail from a bounce mailbox, stored raw before the mailbox is touched. Those that are not
    about a message of ours keep no raw text.

    A report that only names an address which was mailed is unproven: anybody can write it. It
    changes nothing until a person counts or dismisses it, and stays in the mailbox. There can be
    any number of them, so that only the newest keep their source."""

    class State(models.TextChoices):
        STORED = "stored", _("Stored")
        PROCESSED = "processed", _("Processed")
        UNPROVEN = "unproven", _("Unproven")
        DISMISSED = "dismissed", _("Dismissed")
        NOT_OURS = "not_ours", _("Not ours")
        FAILED = "failed", _("Could not be read")

    mailbox = models.ForeignKey(BounceMailbox, models.CASCADE, related_name="mails")
    uid_validity = models.BigIntegerField()
    uid = models.BigIntegerField()
    raw = models.BinaryField(null=True)
    # SHA-256 of a source that was dropped (services.unprovensources).
    digest = models.BinaryField(null=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.STORED)
    # See bounces.reading.ReportKind.
    kind = models.CharField(max_length=12, blank=True)
    sender = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    recipient = models.CharField(max_length=320, blank=True)
    # How it was matched: see bounces.matching.By.
    matched_by = models.CharField(max_length=10, blank=True)
    # No constraint of the database: messages are dropped in blocks (sending.blocks), and then this
    # leads nowhere.
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, related_name="bounce_mails", db_constraint=False
    )
    detail = models.TextField(blank=True)
    collected_at = models.DateTimeField(auto_now_add=True)
    # The mailbox was told (moved or deleted).
    cleared_at = models.DateTimeField(null=True)
    # Who counted or dismissed an unproven report, and when.
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("mailbox", "uid_validity", "uid"), name="bounce_mail_once"
            ),
        )
        indexes = (
            # What waits for a person is asked for by each page of Home and of bounces.
            models.Index(
                fields=("mailbox", "collected_at"),
                name="bounce_mail_unproven",
                condition=models.Q(state="unproven"),
            ),
            # Whose sources are stored: as many as services.unprovensources leaves.
            models.Index(
                fields=("mailbox", "collected_at"),
                name="bounce_mail_unproven_source",
                condition=models.Q(state__in=["unproven", "dismissed"], raw__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"bounce mail {self.pk}: {self.kind}"
