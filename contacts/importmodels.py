"""Imports: their files, what became of each line, and answers that are kept for the next file."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from contacts.consentkinds import Consent
from pages.singleline import SingleLineField


class Import(models.Model):
    """A CSV file on its way into contacts. The file is in `ImportChunk` rows, so any worker host
    can read it; `next_byte` and `next_line` say where the next batch begins, so a killed worker's
    import goes on from its last committed batch."""

    class State(models.TextChoices):
        UPLOADING = "uploading", _("Uploading")
        READING = "reading", _("Being read")  # it is packed: a worker makes a CSV file of it
        READY = "ready", _("To be checked")  # columns and choices are being made
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    class Known(models.TextChoices):
        FILL = "fill", _("Fill in what is missing")
        OVERWRITE = "overwrite", _("Overwrite with the file's values")
        SKIP = "skip", _("Leave them as they are")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="imports")
    filename = SingleLineField(_("file"), max_length=255)
    size = models.BigIntegerField(_("size"), default=0)
    # Bytes of the workbook that is kept beside its sheet, so that another one can be chosen.
    aside = models.BigIntegerField(default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    # A digest of the uploaded bytes (contacts.services.importfile.append), to notice a file that
    # was imported before.
    digest = models.CharField(max_length=64, blank=True)
    # What a person has chosen on the page of the columns and not checked yet:
    # [[sheet, choices], ...] (contacts.services.importdrafts).
    drafts = models.JSONField(default=list)
    # The detected or chosen format: {"encoding": "utf-8", "delimiter": ",", "header": 1,
    # "dates": "mdy"} (contacts.csvfile.Dialect, contacts.values.ORDERS). Of a packed file also the
    # bytes of the upload, "uploaded"; of a workbook "sheet" and "sheets" (services.packedfile).
    dialect = models.JSONField(default=dict)
    # One target a column, see contacts.columns: "email", "attribute:city", "" (ignored), ...
    mapping = models.JSONField(default=list)
    # The saved mapping that its choices began with.
    saved_mapping = models.ForeignKey(
        "SavedMapping", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Answers about words in its status columns, for this file only: [[kind, key, meaning], ...]
    # (contacts.statuswords). Answers for all files are in `StatusWord`. Also the answer what
    # "unsubscribed" is about: services.statuswords.ELSEWHERE.
    answers = models.JSONField(default=list)
    # The words found there: contacts.statuswords.WordCounts.
    words = models.JSONField(default=list)
    list = models.ForeignKey("contacts.List", models.SET_NULL, null=True, blank=True)
    # The name of a list that the start makes; a check doesn't make it.
    new_list = models.CharField(max_length=100, blank=True)
    consent = models.CharField(
        _("consent"),
        max_length=10,
        choices=Consent.choices,
        default=Consent.UNKNOWN,
    )
    # What these people agreed to, as it was shown to them; "": not said.
    consent_text = models.TextField(_("text of the consent"), blank=True)
    known = models.CharField(
        _("known contacts"), max_length=10, choices=Known.choices, default=Known.FILL
    )
    # What the check found that a person may want to look at: contacts.services.importhints.
    hints = models.JSONField(default=dict)
    next_byte = models.BigIntegerField(default=0)
    next_line = models.BigIntegerField(default=1)
    # Keys: contacts.services.importrun.COUNTS.
    counts = models.JSONField(default=dict)
    error = models.TextField(_("error"), blank=True)
    # The lease of a worker, which is named by a random `holder`. After it ends the sweeper gives
    # the import to another one.
    leased_until = models.DateTimeField(null=True, blank=True)
    holder = models.CharField(max_length=32, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    # When a person started it; a worker begins later.
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("workspace", "-id"), name="import_by_id"),
            models.Index(
                fields=("state",),
                name="import_due",
                condition=models.Q(state__in=["queued", "running"]),
            ),
            # For the quota of files that wait (contacts.services.unfinished).
            models.Index(
                fields=("workspace",),
                include=("size", "aside"),
                name="import_unfinished",
                condition=models.Q(state__in=["uploading", "reading", "ready"]),
            ),
        )

    def __str__(self) -> str:
        return f"import {self.pk}: {self.filename}"

    @property
    def title(self) -> str:
        """The name of its file, and of the sheet that is read if there are several."""
        sheets = self.dialect.get("sheets", ())
        sheet = dict(sheets).get(self.dialect.get("sheet")) if len(sheets) > 1 else None
        return f"{self.filename} · {sheet}" if sheet else self.filename


class SavedMapping(models.Model):
    """The choices about the columns of a file, by a name, for other files of the workspace with the
    same header (contacts.mappings.fingerprint)."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="saved_mappings", db_index=False
    )
    name = SingleLineField(_("name"), max_length=100)
    fingerprint = models.CharField(max_length=64)
    # The names of the columns, cut, and one target a column (contacts.columns).
    header = models.JSONField(default=list)
    targets = models.JSONField(default=list)
    # How 3/5/2024 is meant: one of contacts.values.ORDERS.
    dates = models.CharField(max_length=3, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    # When an import with it was last started.
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "name"), name="saved_mapping_name_once"),
        )

    def __str__(self) -> str:
        return self.name


class StatusWord(models.Model):
    """A person's answer: the meaning of a word in status columns of the workspace's files."""

    class Meaning(models.TextChoices):
        SUBSCRIBED = "subscribed", _("Subscribed")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        BOUNCED = "bounced", _("Bounced: suppress")
        COMPLAINED = "complained", _("Complained: suppress")
        SUPPRESSED = "suppressed", _("Must not be mailed: suppress")
        SKIP = "skip", _("Not subscribed: not on the list")

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="status_words", db_index=False
    )
    # The kind of column, and the word in the form of contacts.statuswords.key_of.
    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=100)
    # As the file wrote it.
    text = models.CharField(max_length=100)
    meaning = models.CharField(max_length=12, choices=Meaning.choices)
    answered_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "kind", "key"), name="status_word_once"),
        )

    def __str__(self) -> str:
        return f"{self.text}: {self.meaning}"


class ImportChunk(models.Model):
    """A piece of an import's file; deleted some time after the import ended. Of a packed file, the
    rows from number 0 on are the CSV file, and those below are the file as it was uploaded."""

    of_import = models.ForeignKey(
        Import, models.CASCADE, related_name="chunks", db_index=False, db_column="import_id"
    )
    number = models.IntegerField()
    # Where it begins in the file.
    offset = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("of_import", "number"), name="import_chunk_once"),
        )

    def __str__(self) -> str:
        return f"{self.of_import_id}[{self.number}]"


class ImportReject(models.Model):
    """A line that was not imported, with the reason (a code of contacts.rejects) and its text; or
    (`kept`) a line whose person was imported without one value that could not be used."""

    of_import = models.ForeignKey(
        Import, models.CASCADE, related_name="rejects", db_index=False, db_column="import_id"
    )
    line = models.BigIntegerField()
    reason = models.CharField(max_length=30)
    kept = models.BooleanField(default=False)
    # The value that the reason is about.
    value = models.TextField(blank=True)
    # The line's cells; empty if an earlier reject of the line has them.
    cells = models.JSONField(default=list)

    class Meta:
        indexes = (models.Index(fields=("of_import", "line"), name="import_reject_by_line"),)

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class ImportDuplicate(models.Model):
    """A line of an import's file whose address is on an earlier line, too. No foreign key in the
    database: a file may have a million of them."""

    of_import = models.ForeignKey(
        Import,
        models.CASCADE,
        related_name="duplicates",
        db_constraint=False,
        db_index=False,
        db_column="import_id",
    )
    line = models.BigIntegerField()
    email = models.CharField(max_length=320)

    class Meta:
        indexes = (models.Index(fields=("of_import", "line"), name="import_duplicate_by_line"),)

    def __str__(self) -> str:
        return f"line {self.line}: {self.email}"


class MailDomain(models.Model):
    """Whether a domain has a mail server, as DNS said at `looked_at`: one row for all workspaces,
    used for a while (contacts.services.maildomains)."""

    class Answer(models.TextChoices):
        MAIL = "mail"
        NONE = "none"
        UNKNOWN = "unknown"

    domain = models.CharField(max_length=253, primary_key=True)
    answer = models.CharField(max_length=7, choices=Answer.choices)
    looked_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.domain}: {self.answer}"


class ImportedContact(models.Model):
    """What an import did with a contact. It identifies later lines with the same address, is shown
    in the contact's timeline, and serves to undo the import.

    No foreign keys in the database: a million rows are written in one import, and rows of contacts
    that were deleted since do no harm.
    """

    pk = models.CompositePrimaryKey("of_import_id", "contact_id")
    of_import = models.ForeignKey(
        Import,
        models.CASCADE,
        related_name="imported",
        db_constraint=False,
        db_index=False,
        db_column="import_id",
    )
    contact = models.ForeignKey(
        "contacts.Contact", models.CASCADE, related_name="imported", db_constraint=False
    )
    # One of new, updated, unchanged.
    outcome = models.CharField(max_length=9)
    # The values that the import changed, as they were before and as it wrote them; null: none.
    # After its undo: {"stayed": those that were changed since} (contacts.queries.overwritten).
    overwritten = models.JSONField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("of_import", "contact"),
                name="imported_stayed",
                condition=models.Q(overwritten__has_key="stayed"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.of_import_id}: {self.outcome}"
