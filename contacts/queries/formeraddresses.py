"""The addresses that contacts had before, and when."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection
from django.db.models import Q

from contacts.models import Contact, FormerAddress

# Whoever changes an address holds it shared until the change is committed.
SHARE = "SELECT pg_advisory_xact_lock_shared(hashtext('contacts.addresses'))"
AWAIT = "SELECT pg_advisory_xact_lock(hashtext('contacts.addresses'))"
# clock_timestamp, as now() may be before the lock.
ADD = """
INSERT INTO contacts_formeraddress (contact_id, address, since, until)
SELECT c.id, %(address)s, coalesce(max(f.until), c.created_at), clock_timestamp()
  FROM contacts_contact c
  LEFT JOIN contacts_formeraddress f ON f.contact_id = c.id AND f.other_id IS NULL
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


# The addresses of a contact that is merged into another one become former ones of that one.
MOVE = """
UPDATE contacts_formeraddress SET contact_id = %(kept)s, other_id = coalesce(other_id, %(other)s)
 WHERE contact_id = %(other)s
"""
ADD_OTHER = """
INSERT INTO contacts_formeraddress (contact_id, address, since, until, other_id)
SELECT %(kept)s, c.email, coalesce(max(f.until), c.created_at), clock_timestamp(), c.id
  FROM contacts_contact c
  LEFT JOIN contacts_formeraddress f ON f.contact_id = c.id AND f.other_id IS NULL
 WHERE c.id = %(other)s
 GROUP BY c.id
"""


def join(kept: Contact, other: Contact) -> None:
    """The addresses of `other` are former ones of `kept`. Call it as `add`."""
    given = {"kept": kept.pk, "other": other.pk}
    with connection.cursor() as cursor:
        cursor.execute(SHARE)
        cursor.execute(ADD_OTHER, given)
        cursor.execute(MOVE, given)


def of(contact: Contact) -> list[str]:
    """Its former addresses, the latest first, without its present one."""
    rows = FormerAddress.objects.filter(contact=contact).exclude(address=contact.email)
    return list(dict.fromkeys(rows.order_by("-until").values_list("address", flat=True)))


def merged_into(contacts: Collection[int]) -> dict[int, int]:
    """{a contact that was merged into another one: that one}, of these contacts."""
    rows = FormerAddress.objects.filter(other_id__in=contacts)
    pairs = rows.values_list("other_id", "contact_id")
    return {other: kept for other, kept in pairs if other is not None}


def at(moments: Collection[tuple[int, datetime]]) -> dict[tuple[int, datetime], str]:
    """{(contact's id, moment): its address at that moment}, of contacts that exist, or that were
    merged into one that does."""
    ids = {contact for contact, _ in moments}
    present = dict(Contact.objects.filter(pk__in=ids).values_list("pk", "email"))
    found = {
        (contact, moment): present[contact] for contact, moment in moments if contact in present
    }
    rows = FormerAddress.objects.filter(
        Q(contact__in=present, other_id=None) | Q(other_id__in=ids - present.keys())
    ).order_by("-until")
    for own, other, address, until in rows.values_list(
        "contact_id", "other_id", "address", "until"
    ):
        contact = other or own
        # The earliest change after the moment wins.
        found |= {key: address for key in moments if key[0] == contact and key[1] < until}
    return found
