"""Contacts, their attributes, lists and subscriptions, and imports."""

from django.db import models
from django.db.models import F, Func, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from contacts import (
    checkmodels,  # noqa: F401 - Django looks for models here
    openconsentmodels,  # noqa: F401 - the same
    preferencemodels,  # noqa: F401 - the same
    provenance,
    scheduledmodels,  # noqa: F401 - the same
    segmentmodels,  # noqa: F401 - the same
    tablemodels,  # noqa: F401 - the same
    tagnames,
)
from contacts.sourced import Afterwards as Afterwards  # noqa: PLC0414 - part of this module
from contacts.sourced import Sourced
from contacts.suppressionmodels import Suppression as Suppression  # noqa: PLC0414 - the same
from contacts.valuemodels import IndexedValue as IndexedValue  # noqa: PLC0414 - the same
from contacts.valuemodels import Indexing as Indexing  # noqa: PLC0414 - the same
from pages.singleline import SingleLineField

# The largest number of the column.
NOT_ARRANGED = 32_767


class Attribute(models.Model):
    """A field that the workspace adds to its contacts; `key` is its merge-field name. Attributes of
    one group stand together in the order (contacts.services.attributes)."""

    class Type(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")
        BOOLEAN = "boolean", _("Yes or no")
        CHOICE = "choice", _("Choice")
        DAY = "day", _("Day of the year")
        CHOICES = "choices", _("Several choices")
        OBJECTS = "objects", _("List of objects")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="attributes")
    key = models.SlugField(_("merge field"), max_length=50, allow_unicode=True)
    label = SingleLineField(_("name"), max_length=100)
    type = models.CharField(_("type"), max_length=10, choices=Type.choices, default=Type.TEXT)
    # The values that a choice, or each of several choices, may have.
    choices = models.JSONField(_("choices"), default=list, blank=True)
    # The heading above it on the pages of contacts; "": none.
    group = SingleLineField(_("group"), max_length=100, blank=True, default="")
    # Of a new one, until `contacts.services.attributes.arrange`: after all others.
    position = models.PositiveSmallIntegerField(default=NOT_ARRANGED)
    indexing = models.CharField(
        max_length=7, choices=Indexing.choices, blank=True, default=Indexing.NO
    )
    # Filling: the last contact that was looked at.
    indexed_to = models.BigIntegerField(default=0)
    # Not indexed any more: since when. Until its rows are deleted.
    unindexed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint(fields=("workspace", "key"), name="attribute_key_once"),
        )

    def __str__(self) -> str:
        return self.label


class Contact(Sourced):
    """A person. `email` is normalised (contacts.addresses): lower case, domain as A-labels.
    `source`: where the contact came from first."""

    # A composite index begins with it, as in the tables below, so it needs no index of its own. Its
    # constraint: migrations/0002_search_and_storage.KEYS.
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="contacts", db_index=False, db_constraint=False
    )
    email = models.CharField(_("e-mail address"), max_length=320)
    # Of the address.
    domain = models.GeneratedField(
        expression=Func(F("email"), Value("@"), Value(2), function="split_part"),
        output_field=models.CharField(max_length=320),
        db_persist=True,
    )
    first_name = SingleLineField(_("first name"), max_length=150, blank=True)
    last_name = SingleLineField(_("last name"), max_length=150, blank=True)
    full_name = SingleLineField(_("full name"), max_length=300, blank=True)
    # {attribute key: str | number | bool | "YYYY-MM-DD" | "MM-DD" | [str, ...] | [{...}, ...]}
    # (contacts.values); keys without a value are absent.
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "email"), name="contact_email_once"),
        )
        indexes = (
            models.Index(fields=("workspace", "id"), name="contact_by_id"),
            models.Index(fields=("workspace", "domain", "id"), name="contact_by_domain"),
        )

    def __str__(self) -> str:
        return self.email


class FormerAddress(models.Model):
    """An address that a contact had from `since` until its change at `until`, by the database's
    clock. Old mails went to it (contacts.queries.formeraddresses). `other_id`: it was the address
    of this other contact, which was merged into this one and no longer exists."""

    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="former_addresses", db_index=False
    )
    address = models.CharField(max_length=320)
    since = models.DateTimeField()
    until = models.DateTimeField()
    other_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("contact", "until", "address"), name="former_address_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("other_id",),
                name="former_address_of_other",
                condition=models.Q(other_id__isnull=False),
            ),
            # Whose address it was.
            models.Index(fields=("address",), name="former_address_by_address"),
        )

    def __str__(self) -> str:
        return self.address


class List(models.Model):
    """A list that people are subscribed to."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="lists")
    name = SingleLineField(_("name"), max_length=100)
    # Recipients see it on the unsubscribe page.
    description = SingleLineField(_("description"), max_length=300, blank=True)
    # Anybody may join it: on forms, and on the page of a person's preferences.
    public = models.BooleanField(_("public"), default=False)
    # Of its mails: a code of pages.publicwords. "": not said.
    language = models.CharField(_("language"), max_length=10, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    # Former names, the latest last: an older export has a column with one of them.
    former_names = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "name"), name="list_name_once"),
        )

    def __str__(self) -> str:
        return self.name


class Subscription(Sourced):
    """A contact on a list: status, source and time. A row stays when the person leaves."""

    class Status(models.TextChoices):
        SUBSCRIBED = "subscribed", _("Subscribed")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")

    class Consent(models.TextChoices):
        UNKNOWN = "unknown", _("Not known")
        EXPLICIT = "explicit", _("Agreed to get mail (opt-in)")
        CUSTOMER = "customer", _("Existing customer")

    # Of keys without a constraint, here and below: migrations/0002_search_and_storage.KEYS.
    list = models.ForeignKey(
        List, models.CASCADE, related_name="subscriptions", db_index=False, db_constraint=False
    )
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="subscriptions", db_index=False, db_constraint=False
    )
    status = models.CharField(
        _("status"), max_length=12, choices=Status.choices, default=Status.SUBSCRIBED
    )
    consent = models.CharField(
        _("consent"), max_length=10, choices=Consent.choices, default=Consent.UNKNOWN
    )
    afterwards = models.CharField(
        max_length=10,
        choices=Afterwards.choices,
        blank=True,
        default=Afterwards.NOTHING,
        db_default=Afterwards.NOTHING,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("list", "contact"), name="subscription_once"),
        )
        indexes = (
            models.Index(fields=("contact",), name="subscription_by_contact"),
            # Who left a list, of which few rows are.
            models.Index(
                fields=("contact",),
                name="subscription_left",
                condition=models.Q(status="unsubscribed"),
            ),
            # For the undo of one action on a page. Imports and campaigns have no rows in it.
            models.Index(
                fields=("source_id",),
                name="subscription_by_action",
                condition=models.Q(source_kind=provenance.PAGE, source_id__gt=0),
            ),
        )

    def __str__(self) -> str:
        return f"{self.contact_id} on {self.list_id}: {self.status}"


class Tag(models.Model):
    """A word of the workspace that contacts can have. `key`: its name without case and width
    (contacts.tagnames.key_of), by which names are compared."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="tags", db_index=False)
    name = SingleLineField(_("name"), max_length=tagnames.LONGEST)
    key = models.CharField(max_length=tagnames.LONGEST_KEY)
    # Made to keep who was in a segment on a day (services.segmentkeeping). It says nothing about a
    # contact, so "has a tag" and "has none at all" don't count it.
    keeps = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "key"), name="tag_key_once"),)

    def __str__(self) -> str:
        return self.name


class ContactTag(Sourced):
    """A contact has a tag. The primary key answers who has a tag, the index which tags a contact
    has; without a number of its own, a million rows stay narrow."""

    pk = models.CompositePrimaryKey("tag_id", "contact_id")
    tag = models.ForeignKey(
        Tag, models.CASCADE, related_name="tagged", db_index=False, db_constraint=False
    )
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="tagged", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(fields=("contact",), name="contact_tag_by_contact"),
            # For the undo of one action on a page. Imports and jobs have no rows in it.
            models.Index(
                fields=("source_id",),
                name="contact_tag_by_action",
                condition=models.Q(source_kind=provenance.PAGE, source_id__gt=0),
            ),
        )

    def __str__(self) -> str:
        return f"{self.contact_id} has {self.tag_id}"


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
    list = models.ForeignKey(List, models.SET_NULL, null=True, blank=True)
    # The name of a list that the start makes; a check doesn't make it.
    new_list = models.CharField(max_length=100, blank=True)
    consent = models.CharField(
        _("consent"),
        max_length=10,
        choices=Subscription.Consent.choices,
        default=Subscription.Consent.UNKNOWN,
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
        Contact, models.CASCADE, related_name="imported", db_constraint=False
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


class Job(models.Model):
    """Work on many rows, started by a request and done by a worker (contacts.services.jobs). It is
    done in committed batches: the transaction that changes a batch's rows also moves `cursor`, so
    that a killed worker's job goes on from its last committed batch."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="jobs")
    # A code of contacts.jobkinds.
    kind = models.CharField(max_length=30)
    # Parameters of the kind, such as {"list": 7, "query": "status=subscribed"}.
    parameters = models.JSONField(default=dict)
    # A digest of the parameters: two tabs that ask for the same get one job.
    same = models.CharField(max_length=32)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    # Rows up to this id are done; the job ends at the id `last`, the highest one at its start.
    cursor = models.BigIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    # Number of rows done, and about how many in all; null: not counted yet.
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    # Counts of the result, with names of the kind; "changed": rows that were changed.
    counts = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    # The lease of a worker, which is named by a random `holder`.
    leased_until = models.DateTimeField(null=True, blank=True)
    holder = models.CharField(max_length=32, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workspace", "kind", "same"),
                name="job_once",
                condition=models.Q(state__in=["queued", "running"]),
            ),
        )
        indexes = (
            models.Index(
                fields=("state",),
                name="job_due",
                condition=models.Q(state__in=["queued", "running"]),
            ),
        )

    def __str__(self) -> str:
        return f"job {self.pk}: {self.kind}"
