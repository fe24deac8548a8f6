"""Creates, changes and deletes contacts."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import Workspace
from contacts import addresses
from contacts.exceptions import ContactsError
from contacts.models import Attribute, Contact
from contacts.provenance import Source
from contacts.queries import deleting, formeraddresses, wishes

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
    """A new contact. Raises addresses.AddressError, or ExistsError with the existing one."""
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
    """New contacts from `{"email": ..., "first_name": ...}` with normalised addresses, in one
    statement; existing ones stay unchanged."""
    rows = [Contact(workspace=workspace, **source.columns, **one) for one in people]
    Contact.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def update(
    contact: Contact, *, email: str, known_names: Mapping[str, str], attributes: Mapping[str, Any]
) -> Contact:
    """Change a contact; attributes that aren't given stay. Raises as `create`.

    Unsubscribes and suppressions are kept for a new address (contacts.queries.wishes), and the
    former address is noted.
    """
    normal = addresses.normalise(email)
    other = Contact.objects.filter(workspace_id=contact.workspace_id, email=normal)
    if found := other.exclude(pk=contact.pk).first():
        raise ExistsError(found)
    # Locked: a concurrent unsubscribe is done before the change, or sees the new address.
    before = Contact.objects.select_for_update().filter(pk=contact.pk).first()
    moved = before if before is not None and before.email != normal else None
    if moved is not None:
        wishes.follow(moved, normal)
    contact.email = normal
    for name in FIELDS:
        setattr(contact, name, known_names.get(name, ""))
    contact.attributes = present({**contact.attributes, **attributes})
    try:
        with transaction.atomic():
            contact.save(update_fields=["email", *FIELDS, "attributes", "updated_at"])
    except IntegrityError as error:  # somebody took the address just now
        raise ExistsError(other.exclude(pk=contact.pk).get()) from error
    if moved is not None:
        formeraddresses.add(moved)
    return contact


def set_value(contact: Contact, attribute: Attribute, value: Any) -> None:
    """Set or (None, "") remove one value. The caller has locked the contact."""
    contact.attributes = present({**contact.attributes, attribute.key: value})
    contact.save(update_fields=["attributes", "updated_at"])


def present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Only attributes with a value; dates as the stored text."""
    return {
        key: value.isoformat() if isinstance(value, dt.date) else value
        for key, value in attributes.items()
        if value not in (None, "", [])
    }


def delete(people: QuerySet[Contact]) -> int:
    """Delete contacts with their subscriptions; suppressions and sent mails stay. Returns how many.
    Who left a list is suppressed: an import of the address would put it back on the list.
    """
    return deleting.delete(people)
