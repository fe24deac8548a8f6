"""What people choose themselves on the page of their preferences (tracking.services.preferences).

A pause is a suppression with the reason "paused" (contacts.queries.pausing), and the language an
attribute of the contact. The rest is here.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from contacts.sourced import Sourced

# The longest text that a person may write about leaving.
LONGEST_WORDS = 500


class MailFrequency(models.Model):
    """The most advertising mails that a contact wants. Contacts without a row want all of them.
    Few have one: a claim asks first whether the workspace has any (sending.queries.frequency)."""

    class Most(models.TextChoices):
        WEEK = "week", _("At most one a week")
        MONTH = "month", _("At most one a month")

    contact = models.OneToOneField("contacts.Contact", models.CASCADE, primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    most = models.CharField(max_length=5, choices=Most.choices)

    def __str__(self) -> str:
        return f"{self.contact_id}: one a {self.most}"


class PreferenceChoice(Sourced):
    """A choice that a person made by a mail's link, as evidence and for the timeline. `source`: of
    that mail's mailing."""

    class Kind(models.TextChoices):
        SUBSCRIBED = "subscribed", _("Subscribed")
        LEFT = "left", _("Left a list")
        AGAIN = "again", _("Wants mail again")
        PAUSED = "paused", _("Paused")
        RESUMED = "resumed", _("Ended the pause")
        FREQUENCY = "frequency", _("Frequency")
        LANGUAGE = "language", _("Language")
        ADDRESS = "address", _("Change of address")
        BECAUSE = "because", _("Reason for leaving")

    class Because(models.TextChoices):
        TOO_OFTEN = "too_often", _("Too many mails")
        NOT_RELEVANT = "not_relevant", _("Not relevant")
        NEVER_SIGNED_UP = "never", _("Never signed up")
        OTHER = "other", _("Another reason")

    contact = models.ForeignKey(
        "contacts.Contact", models.CASCADE, related_name="choices", db_index=False
    )
    # Messages are dropped earlier.
    message_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # A list's name, the last day of a pause, a language, a frequency, or one of Because.
    value = models.CharField(max_length=320, blank=True)
    # The text beside the choice as the person read it, or the person's own words about leaving.
    words = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            # A mailing's reasons for leaving, one for each person: for its report.
            models.UniqueConstraint(
                fields=("source_kind", "source_id", "contact"),
                name="leaving_reason_once",
                condition=models.Q(kind="because"),
            ),
        )
        indexes = (models.Index(fields=("contact", "id"), name="choice_by_contact"),)

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.kind} {self.value}"


class AddressChange(models.Model):
    """A new address that a contact asked for, until its holder confirms it. Only the digest of the
    link's secret is kept."""

    contact = models.ForeignKey(
        "contacts.Contact", models.CASCADE, related_name="address_changes", db_index=False
    )
    # The message whose link asked for it, and the address that the contact had then.
    message_id = models.BigIntegerField()
    former = models.CharField(max_length=320)
    address = models.CharField(max_length=320)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("contact", "created_at"), name="address_change_last"),)

    def __str__(self) -> str:
        return f"{self.contact_id} -> {self.address}"
