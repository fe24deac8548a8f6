"""Whether a contact has agreed that opens of mails are counted, with the trail of all answers.

This consent is one of its own: it says nothing about getting mail (Subscription.consent).
"""

from django.db import models

from accounts.models import User
from contacts.sourced import Sourced

LONGEST_TEXT = 2000


class OpenConsent(models.Model):
    """The present answer of a contact. Without a row the contact has given none. Narrow, because a
    freeze looks it up for each recipient. Written by contacts.services.openconsent."""

    contact = models.OneToOneField(
        "contacts.Contact", models.CASCADE, primary_key=True, related_name="open_consent"
    )
    given = models.BooleanField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.given}"


class OpenConsentAnswer(Sourced):
    """One answer of a contact: the evidence of the consent, or of its withdrawal. `source`: a form,
    an import, a page, or the mailing whose mail led to the public page."""

    contact = models.ForeignKey(
        "contacts.Contact", models.CASCADE, related_name="open_answers", db_index=False
    )
    given = models.BooleanField()
    at = models.DateTimeField()
    # What the person read before answering, in the language of the page.
    text = models.CharField(max_length=LONGEST_TEXT, blank=True)
    ip = models.GenericIPAddressField(null=True)
    # The colleague who recorded it.
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", db_index=False)

    class Meta:
        indexes = (models.Index(fields=("contact", "-id"), name="open_answer_by_contact"),)

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.given} at {self.at}"
