"""Finds the person whom a message was sent to, also after a change of the address.

A contact's address can change, and an address can be given to another contact. The ledger knows the
contact of each message, and every address at which that contact was mailed. Of mailings whose
detail was dropped, contacts.models.FormerAddress knows the addresses that the contact had.
"""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from contacts.models import Contact, FormerAddress
from sending.models import Mailing, Message

# At most this many messages of a contact are read, the newest first.
MOST = 200


@dataclass(frozen=True, slots=True)
class Person:
    """`own`: the message's contact, if it exists. `contacts`: that contact, and the contact that
    now has the address of the message. `present`: the address at which the person is mailed now.
    `former`: other addresses at which the contact was mailed, including the message's own, except
    those that another contact has now."""

    own: Contact | None
    contacts: list[Contact]
    present: str
    former: frozenset[str]

    @property
    def ids(self) -> list[int]:
        return [contact.pk for contact in self.contacts]

    @property
    def reached_at(self) -> set[str]:
        """The addresses that a mailing may go to."""
        return {contact.email for contact in self.contacts} or {self.present}

    @property
    def addresses(self) -> set[str]:
        return self.reached_at | self.former | {self.present}


def of(message: Message, *, lock: bool = False) -> Person:
    """The person of the message. `lock`: locks the contacts until the end of the transaction, so
    that an address can't change between reading and suppressing it.

    A contact that now has the message's address belongs to the person as well: its holder can open
    that mail and unsubscribe by it. If the message's contact was deleted, a contact with its last
    address counts as the same person, added again.
    """
    mailed = _mailed(message)
    known = Contact.objects.filter(workspace_id=message.mailing.workspace_id).order_by("pk")
    if lock:
        # NO KEY, so that an import can insert subscriptions of these contacts meanwhile.
        known = known.select_for_update(no_key=True)
    found = list(known.filter(Q(pk=message.contact_id) | Q(email__in=mailed)))
    holders = {contact.email: contact for contact in found}
    own = next((one for one in found if one.pk == message.contact_id), holders.get(mailed[0]))
    both = [one for one in (own, holders.get(message.address)) if one is not None]
    contacts = list({one.pk: one for one in both}.values())
    present = own.email if own else mailed[0]
    others = {email for email, holder in holders.items() if holder not in contacts}
    return Person(own, contacts, present, frozenset(mailed) - {present} - others)


def _mailed(message: Message) -> list[str]:
    """The addresses of the contact's messages, the latest first (index message_by_contact). Without
    a contact, the message's address alone."""
    if message.contact_id is None:
        return [message.address]
    own = Message.objects.filter(
        contact_id=message.contact_id, mailing__workspace_id=message.mailing.workspace_id
    )
    newest = own.order_by("-pk").values_list("address", flat=True)[:MOST]
    return list(dict.fromkeys([*newest, message.address, *_before_a_drop(message)]))


def _before_a_drop(message: Message) -> list[str]:
    """Former addresses that the contact had while a mailing of dropped detail was sent. It may have
    gone to them."""
    sent = Mailing.objects.filter(
        workspace=message.mailing.workspace_id,
        details_dropped_at__isnull=False,
        opened_at__lt=OuterRef("until"),
        finished_at__gt=OuterRef("since"),
    )
    former = FormerAddress.objects.filter(
        Exists(sent), contact=message.contact_id, contact__workspace=message.mailing.workspace_id
    )
    return list(former.order_by("-until").values_list("address", flat=True)[:MOST])
