"""Contacts: what we know about a person, and how it changes."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import Workspace
from contacts import addresses
from contacts.exceptions import ContactsError
from contacts.models import Contact
from contacts.provenance import Source
from contacts.queries import deleting, wishes

FIELDS = ("first_name", "last_name", "full_name")


class ExistsError(ContactsError):
    """The address belongs to another contact of the workspace, `contact`."""

    def __init__(self, contact: Contact) -> None:
        super().__init__(contact.email)
        self.contact = contact


def create(
    workspace: Workspace,
    *,
    email: str,
    known_names: Mapping[str, str],
    attributes: Mapping[str, Any],
    source: Source,
) -> Contact:
    """A new contact. Raises addresses.AddressError, or ExistsError with the one that is there."""
    normal = addresses.normalise(email)
    contact, made = Contact.objects.get_or_create(
        workspace=workspace,
        email=normal,
        defaults={**known_names, "attributes": present(attributes), **source.columns},
    )
    if not made:
        raise ExistsError(contact)
    return contact


def create_missing(
    workspace: Workspace, people: Sequence[Mapping[str, str]], *, source: Source
) -> None:
    """New contacts from `{"email": ..., "first_name": ...}` of known good addresses, by one
    statement; those that are there stay as they are."""
    rows = [Contact(workspace=workspace, **source.columns, **one) for one in people]
    Contact.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def update(
    contact: Contact, *, email: str, known_names: Mapping[str, str], attributes: Mapping[str, Any]
) -> Contact:
    """Change what we know; attributes that aren't named stay. Raises as `create`.

    What the person said no to goes with them to another address (contacts.queries.wishes).
    """
    normal = addresses.normalise(email)
    other = Contact.objects.filter(workspace_id=contact.workspace_id, email=normal)
    if found := other.exclude(pk=contact.pk).first():
        raise ExistsError(found)
    # Locked: an unsubscribe at this moment comes before the change, or finds the new address.
    before = Contact.objects.select_for_update().filter(pk=contact.pk).first()
    if before is not None and before.email != normal:
        wishes.follow(before, normal)
    contact.email = normal
    for name in FIELDS:
        setattr(contact, name, known_names.get(name, ""))
    contact.attributes = present({**contact.attributes, **attributes})
    try:
        with transaction.atomic():
            contact.save(update_fields=["email", *FIELDS, "attributes", "updated_at"])
    except IntegrityError as error:  # somebody took the address just now
        raise ExistsError(other.exclude(pk=contact.pk).get()) from error
    return contact


def present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Only what has a value; dates as the text that is stored."""
    return {
        key: value.isoformat() if isinstance(value, dt.date) else value
        for key, value in attributes.items()
        if value is not None and value != ""
    }


def delete(people: QuerySet[Contact]) -> int:
    """Delete contacts with their subscriptions; suppressions and sent mails stay. How many.

    Who left a list is suppressed: an import of the address would put it back on the list.
    """
    return deleting.delete(people)
