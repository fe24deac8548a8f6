"""Messages whose rows were dropped (services.retention), as far as links in old mails need them."""

from bisect import bisect_left
from collections.abc import Collection

from contacts.models import Contact
from sending.models import Message, PastRecipients

SHIFT = PastRecipients.SHIFT


def find(ids: Collection[int]) -> dict[int, Message]:
    """{id: the message, not in the database}: its mailing, contact and variant, and the address
    that it went to; empty where that was the contact's and the contact was deleted since."""
    spans = PastRecipients.objects.filter(span__in={number >> SHIFT for number in ids})
    found = {}
    for row in spans.select_related("mailing__workspace"):
        for number in ids:
            if number >> SHIFT == row.span and (message := _message(row, number)) is not None:
                found[number] = message
    _give_addresses([message for message in found.values() if not message.address])
    return found


def _message(row: PastRecipients, number: int) -> Message | None:
    offset = number & ((1 << SHIFT) - 1)
    place = bisect_left(row.offsets, offset)
    if place == len(row.offsets) or row.offsets[place] != offset:
        return None
    return Message(
        pk=number,
        mailing=row.mailing,
        contact_id=row.contacts[place],
        address=(row.addresses[place] if row.addresses else None) or "",
        variant=row.variants[place] if row.variants else 0,
        state=Message.State.ACCEPTED,
    )


def _give_addresses(messages: Collection[Message]) -> None:
    contacts = Contact.objects.filter(pk__in=[one.contact_id for one in messages])
    known = dict(contacts.values_list("pk", "email"))
    for message in messages:
        message.address = known.get(message.contact_id or 0, "")
