"""Contacts: what we know about a person, and how it changes."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from accounts.models import Workspace
from contacts import addresses, names
from contacts.exceptions import ContactsError
from contacts.models import Contact
from contacts.services import wishes
from pages import statements

FIELDS = ("first_name", "last_name", "full_name")
# What json.loads does, without its looks at what it was given: a third of a row's time.
DECODER = json.JSONDecoder()


class ExistsError(ContactsError):
    """The address belongs to another contact of the workspace, `contact`."""

    def __init__(self, contact: Contact) -> None:
        super().__init__(contact.email)
        self.contact = contact


def merge_fields(workspace_id: int, contact_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """{contact id: {"email": ..., "first_name": ..., "city": ...}} for rendering, in one query.

    Attributes stand at top level by their key: text, number, bool, and date as datetime.date.
    Contacts that are gone are absent.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, email, first_name, last_name, full_name, attributes::text,
                   (SELECT array_agg(key) FROM contacts_attribute
                    WHERE workspace_id = %s AND type = 'date')
            FROM contacts_contact
            WHERE workspace_id = %s AND id = ANY(string_to_array(%s, ',')::bigint[])
            """,
            # As one text: to write an array takes ten times as long.
            [workspace_id, workspace_id, ",".join(map(str, contact_ids))],
        )
        return {row[0]: _merged(row) for row in cursor.fetchall()}


def _merged(row: tuple[Any, ...]) -> dict[str, Any]:
    _id, email, first_name, last_name, full_name, attributes, date_keys = row
    fields: dict[str, Any] = DECODER.raw_decode(attributes)[0]
    for key in date_keys or ():
        if isinstance(value := fields.get(key), str):
            fields[key] = dt.date.fromisoformat(value)
    fields["email"] = email
    fields["first_name"] = first_name
    fields["last_name"] = last_name
    fields["full_name"] = full_name or names.full(first_name, last_name)
    return fields


def create(
    workspace: Workspace,
    *,
    email: str,
    known_names: Mapping[str, str],
    attributes: Mapping[str, Any],
    source: str,
) -> Contact:
    """A new contact. Raises addresses.AddressError, or ExistsError with the one that is there."""
    normal = addresses.normalise(email)
    contact, made = Contact.objects.get_or_create(
        workspace=workspace,
        email=normal,
        defaults={**known_names, "attributes": present(attributes), "source": source},
    )
    if not made:
        raise ExistsError(contact)
    return contact


def create_missing(
    workspace: Workspace, people: Sequence[Mapping[str, str]], *, source: str
) -> None:
    """New contacts from `{"email": ..., "first_name": ...}` of known good addresses, by one
    statement; those that are there stay as they are."""
    rows = [Contact(workspace=workspace, source=source, **one) for one in people]
    Contact.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def update(
    contact: Contact, *, email: str, known_names: Mapping[str, str], attributes: Mapping[str, Any]
) -> Contact:
    """Change what we know; attributes that aren't named stay. Raises as `create`.

    What the person said no to goes with them to another address (contacts.services.wishes).
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
    with transaction.atomic(), connection.cursor() as cursor:
        # One statement a table: collecting a million objects in Python first would take minutes.
        ids, parameters = statements.sql_of(people.order_by().values("id"))
        cursor.execute(f"CREATE TEMPORARY TABLE going ON COMMIT DROP AS {ids}", parameters)
        # The contact first, as an unsubscribe does it: else each could wait for the other.
        cursor.execute(
            "SELECT FROM contacts_contact c JOIN going ON c.id = going.id ORDER BY c.id "
            "FOR UPDATE OF c"
        )
        wishes.keep_of_deleted("SELECT id FROM going")
        cursor.execute(
            "DELETE FROM contacts_subscription s USING going WHERE contact_id = going.id"
        )
        cursor.execute("DELETE FROM contacts_importedcontact USING going WHERE contact_id = id")
        cursor.execute("DELETE FROM contacts_contact c USING going WHERE c.id = going.id")
        return int(cursor.rowcount)
