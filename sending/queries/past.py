"""Messages whose rows were dropped (services.retention), as far as links in old mails need them."""

from bisect import bisect_left
from collections.abc import Collection

from contacts.queries import formeraddresses
from sending.models import Message, PastRecipients

SHIFT = PastRecipients.SHIFT


def find(ids: Collection[int]) -> dict[int, Message]:
    """{id: the message, not in the database}: with mailing, contact, variant, and the address that
    it went to, also if the contact has another one now. The address is empty if it was the
    contact's and the contact was deleted since. A contact that was merged into another one is that
    one."""
    spans = PastRecipients.objects.filter(span__in={number >> SHIFT for number in ids})
    found = {}
    for row in spans.select_related("mailing__workspace"):
        for number in ids:
            if number >> SHIFT == row.span and (message := _message(row, number)) is not None:
                found[number] = message
    _give_addresses([message for message in found.values() if not message.address])
    theirs = {one.contact_id for one in found.values() if one.contact_id is not None}
    merged = formeraddresses.merged_into(theirs)
    for message in found.values():
        message.contact_id = merged.get(message.contact_id or 0, message.contact_id)
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
    """Addresses that were not stored: the contacts', as of the drop."""
    moments = {
        message.pk: (message.contact_id, message.mailing.details_dropped_at)
        for message in messages
        if message.contact_id is not None and message.mailing.details_dropped_at is not None
    }
    known = formeraddresses.at(set(moments.values()))
    for message in messages:
        if message.pk in moments:
            message.address = known.get(moments[message.pk], "")
