"""The mails of a person, the newest first, also those whose details were dropped."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import connection

from contacts.erasures import ErasedPerson
from contacts.models import FormerAddress
from sending.models import Event, LeftOut, Mailing, Message, PastRecipients
from sending.queries import erasing
from sending.queries.blocks import of_messages

AT_ONCE = 500
Row = TypeVar("Row")
# Whole rows of some hundred recipients each; a person is once in most of them.
SPANS = """
SELECT p.id FROM sending_pastrecipients p
 WHERE p.mailing_id IN (SELECT id FROM sending_mailing WHERE workspace_id = %(workspace)s)
   AND (p.contacts && %(contacts)s::bigint[] OR p.addresses && %(addresses)s::varchar[])
 ORDER BY p.id DESC
"""


def pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Lists of up to AT_ONCE rows, so that what belongs to them is read by one query."""
    left = iter(rows)
    while piece := list(islice(left, AT_ONCE)):
        yield piece


def messages(person: ErasedPerson) -> Iterator[list[tuple[Message, list[Event]]]]:
    """Pieces of messages with their mailing, and each with its events, the oldest event first."""
    ids = sorted(erasing.messages_of(person), reverse=True)
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        rows = Message.objects.filter(of_messages(some), pk__in=some).select_related("mailing")
        events: dict[int, list[Event]] = {}
        for event in Event.objects.filter(of_messages(some), message__in=some).order_by("at", "pk"):
            events.setdefault(event.message_id, []).append(event)
        yield [(row, events.get(row.pk, [])) for row in rows.order_by("-pk")]


def left_out(person: ErasedPerson) -> Iterator[LeftOut]:
    """Mailings that left the contact out. Index: left_out_by_contact."""
    if person.contact_id:
        rows = LeftOut.objects.filter(contact_id=person.contact_id).select_related("mailing")
        yield from rows.order_by("-pk").iterator(AT_ONCE)


def dropped(person: ErasedPerson) -> Iterator[tuple[Mailing, int]]:
    """(the mailing, the number of the variant) of each mail whose details were dropped."""
    contacts = _contacts(person)
    given: dict[str, Any] = {
        "workspace": person.workspace_id,
        "contacts": sorted(contacts),
        "addresses": list(person.addresses),
    }
    with connection.cursor() as cursor:
        cursor.execute(SPANS, given)
        ids = [row[0] for row in cursor.fetchall()]
    for begin in range(0, len(ids), AT_ONCE):
        some = PastRecipients.objects.filter(pk__in=ids[begin : begin + AT_ONCE])
        for row in some.select_related("mailing").order_by("-pk"):
            for place in _places(row, contacts, person.addresses):
                yield row.mailing, row.variants[place] if row.variants else 0


def _contacts(person: ErasedPerson) -> set[int]:
    """With those that were merged into this one."""
    if not person.contact_id:
        return set()
    rows = FormerAddress.objects.filter(contact=person.contact_id).exclude(other_id=None)
    return {person.contact_id, *(one for one in rows.values_list("other_id", flat=True) if one)}


def _places(row: PastRecipients, contacts: set[int], addresses: Sequence[str]) -> Iterator[int]:
    for place, contact in enumerate(row.contacts):
        address = row.addresses[place] if row.addresses else None
        if contact in contacts or (contact is None and address in addresses):
            yield place
