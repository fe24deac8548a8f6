"""Contacts, their attributes, lists, subscriptions and tags, and jobs on many of them."""

from django.db import models
from django.db.models import F, Func, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from contacts import (
    checkmodels,  # noqa: F401 - Django looks for models here
    consentkinds,
    openconsentmodels,  # noqa: F401 - the same
    preferencemodels,  # noqa: F401 - the same
    provenance,
    scheduledmodels,  # noqa: F401 - the same
    segmentmodels,  # noqa: F401 - the same
    tablemodels,  # noqa: F401 - the same
    tagnames,
)
from contacts.importmodels import Import as Import  # noqa: PLC0414 - part of this module
from contacts.importmodels import ImportChunk as ImportChunk  # noqa: PLC0414 - part of this module
from contacts.importmodels import ImportDuplicate as ImportDuplicate  # noqa: PLC0414 - part of this module
from contacts.importmodels import ImportedContact as ImportedContact  # noqa: PLC0414 - part of this module
from contacts.importmodels import ImportReject as ImportReject  # noqa: PLC0414 - part of this module
from contacts.importmodels import MailDomain as MailDomain  # noqa: PLC0414 - part of this module
from contacts.importmodels import SavedMapping as SavedMapping  # noqa: PLC0414 - part of this module
from contacts.importmodels import StatusWord as StatusWord  # noqa: PLC0414 - part of this module
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

    Consent = consentkinds.Consent

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
