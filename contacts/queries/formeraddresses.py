"""The addresses that contacts had before, and when."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from contacts.models import Contact, FormerAddress

# Whoever changes an address holds it shared until the change is committed.
SHARE = "SELECT pg_advisory_xact_lock_shared(hashtext('contacts.addresses'))"
AWAIT = "SELECT pg_advisory_xact_lock(hashtext('contacts.addresses'))"
# clock_timestamp, as now() may be before the lock.
ADD = """
INSERT INTO contacts_formeraddress (contact_id, address, since, until)
SELECT c.id, %(address)s, coalesce(max(f.until), c.created_at), clock_timestamp()
  FROM contacts_contact c LEFT JOIN contacts_formeraddress f ON f.contact_id = c.id
 WHERE c.id = %(contact)s
 GROUP BY c.id
"""


def add(contact: Contact) -> None:
    """The contact no longer has this address. Call it in the transaction of the change, with the
    contact's row locked."""
    with connection.cursor() as cursor:
        cursor.execute(SHARE)
        cursor.execute(ADD, {"contact": contact.pk, "address": contact.email})


def await_changes() -> None:
    """Waits until changes of addresses that began before are committed; later ones wait until this
    transaction ends. So each change of before its end is visible afterwards, and each later one has
    a later `until`."""
    with connection.cursor() as cursor:
        cursor.execute(AWAIT)


def at(moments: Collection[tuple[int, datetime]]) -> dict[tuple[int, datetime], str]:
    """{(contact's id, moment): its address at that moment}, of contacts that exist."""
    ids = {contact for contact, _ in moments}
    present = dict(Contact.objects.filter(pk__in=ids).values_list("pk", "email"))
    found = {
        (contact, moment): present[contact] for contact, moment in moments if contact in present
    }
    rows = FormerAddress.objects.filter(contact__in=ids).order_by("-until")
    for contact, address, until in rows.values_list("contact_id", "address", "until"):
        # The earliest change after the moment wins.
        found |= {key: address for key in found if key[0] == contact and key[1] < until}
    return found
