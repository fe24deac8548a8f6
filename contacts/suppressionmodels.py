"""Suppressions, and files with suppressions that wait for a person."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from contacts.sourced import Afterwards, Sourced
from pages.singleline import SingleLineField
from smtp.events import MailEvent

IN_FORCE = models.Q(lifted_at=None)
LASTING = models.Q(lifted_at=None, until=None)
ENDING = models.Q(lifted_at=None, until__isnull=False)
PAUSED = models.Q(reason="paused")


class Suppression(Sourced):
    """An address, domain or pattern that must not be mailed, in one workspace or (no workspace) in
    the whole installation. Lifted ones stay as history, and so do those whose `until` has passed.

    A value may have three rows in force: one that lasts, one that ends, and the pause that a person
    chose (contacts.queries.pausing), so that none hides another."""

    class Kind(models.TextChoices):
        ADDRESS = "address", _("Address")
        DOMAIN = "domain", _("Domain")
        PATTERN = "pattern", _("Pattern")
        # The address of a person who asked to be forgotten, as a keyed digest.
        ERASED = "erased", _("Erased person")

    class Reason(models.TextChoices):
        UNSUBSCRIBED = MailEvent.UNSUBSCRIBED.value, _("Unsubscribed")
        HARD_BOUNCED = MailEvent.HARD_BOUNCED.value, _("Hard bounce")
        SOFT_BOUNCED = MailEvent.SOFT_BOUNCED.value, _("Soft bounces")
        COMPLAINED = MailEvent.COMPLAINED.value, _("Complaint")
        MANUAL = "manual", _("Added by hand")
        IMPORTED = "imported", _("Imported")
        ERASED = "erased", _("Asked to be erased")
        PAUSED = "paused", _("Paused by the person")

    # None: it holds for the whole installation.
    workspace = models.ForeignKey(
        Workspace,
        models.CASCADE,
        related_name="suppressions",
        db_index=False,
        null=True,
        blank=True,
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    # A normalised address, a domain as A-labels, a pattern (contacts.patterns), or a digest
    # (contacts.erasure).
    value = models.CharField(_("address, domain or pattern"), max_length=320)
    # Of a pattern: the same for LIKE.
    like_text = models.CharField(max_length=640, blank=True, default="", db_default="")
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    # When it ends by itself; None: never.
    until = models.DateTimeField(_("until"), null=True, blank=True)
    afterwards = models.CharField(
        max_length=10,
        choices=Afterwards.choices,
        blank=True,
        default=Afterwards.NOTHING,
        db_default=Afterwards.NOTHING,
    )
    # The contact's former address for which the suppression was made; it was copied to this one.
    carried_from = models.CharField(max_length=320, blank=True, default="", db_default="")
    # The words of the server or the person.
    detail = models.TextField(_("detail"), blank=True)
    # What colleagues write about it, and change.
    note = models.TextField(_("note"), blank=True, default="", db_default="")
    # The message whose bounce or complaint made it (contacts.evidence). Messages are dropped
    # earlier.
    message_id = models.BigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workspace", "kind", "value"), name="suppression_once", condition=LASTING
            ),
            models.UniqueConstraint(
                fields=("workspace", "kind", "value"),
                name="ending_suppression_once",
                condition=ENDING & ~PAUSED,
            ),
            models.UniqueConstraint(
                fields=("workspace", "kind", "value"),
                name="pause_once",
                condition=ENDING & PAUSED,
            ),
            models.UniqueConstraint(
                fields=("kind", "value"),
                name="installation_suppression_once",
                condition=models.Q(workspace=None, lifted_at=None),
            ),
            models.CheckConstraint(
                condition=models.Q(kind="pattern") ^ models.Q(like_text=""),
                name="suppression_pattern_like",
            ),
        )
        indexes = (
            models.Index(fields=("workspace", "id"), name="suppression_by_id"),
            # For the page's filter by an import, and for undo.
            models.Index(
                fields=("workspace", "source_kind", "source_id", "id"), name="suppression_by_source"
            ),
            # Whether a workspace has any but lasting ones of addresses and domains of its own
            # (contacts.queries.ways): hardly any rows.
            models.Index(
                fields=("workspace", "kind"),
                name="suppression_rare",
                condition=IN_FORCE
                & (
                    models.Q(until__isnull=False)
                    | models.Q(workspace=None)
                    | models.Q(kind__in=["pattern", "erased"])
                ),
            ),
        )

    def __str__(self) -> str:
        return f"{self.value}: {self.reason}"

    @property
    def everywhere(self) -> bool:
        """Whether it holds for the whole installation."""
        return self.workspace_id is None


class SuppressionFile(models.Model):
    """A file with suppressions that was read and waits for a person's decision. No workspace: for
    the whole installation. It is deleted after a day (contacts.services.suppressionfiles)."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="suppression_files", null=True, blank=True
    )
    name = SingleLineField(_("file"), max_length=255)
    # contacts.suppressionlines.ReadLines as JSON.
    lines = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
