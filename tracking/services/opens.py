"""Whether a person's opens are counted, and the person's own answer, by the link of a mail."""

from dataclasses import dataclass

from django.db import transaction

from accounts.opencounting import OpenCounting
from contacts.services import openconsent
from pages import publicwords
from sending.models import Message
from sending.queries import openpixels
from tracking.services import persons

GIVE, WITHDRAW = "give", "withdraw"


@dataclass(frozen=True, slots=True)
class OpenStatus:
    """What the page says. `answered`: what the person said; None: nothing yet. `counted`: opens may
    be counted now. `knows_person`: there is a contact whose answer can be stored."""

    answered: bool | None
    counted: bool
    knows_person: bool


def status_of(message: Message) -> OpenStatus:
    """Of the person of the message: if the person has two contacts, the stricter answer counts."""
    contacts = persons.of(message).ids
    if not contacts:
        return OpenStatus(None, message.counts_opens, knows_person=False)
    answers = openconsent.answers_of(contacts)
    if answers:
        given = False not in answers
        return OpenStatus(given, given, knows_person=True)
    everybody = OpenCounting.EVERYBODY in {
        message.mailing.open_counting,
        message.mailing.workspace.open_counting,
    }
    return OpenStatus(None, everybody, knows_person=True)


def text_of(answer: str, brand: str, reader: str) -> str:
    """What the person reads beside the button, in the language `reader`; it is stored with the
    answer."""
    key = "opens.agree_text" if answer == GIVE else "opens.refuse_text"
    return publicwords.texts(reader)[key].format(brand=brand)


@transaction.atomic
def answer(message: Message, given: str, *, reader: str, ip: str | None) -> None:
    """GIVE or WITHDRAW, for the person of the message. Safe to do twice. A withdrawal also ends the
    counting of this mail and of others to the same contact if the contact was deleted since."""
    mailing = message.mailing
    contacts = persons.of(message, lock=True).ids
    text = text_of(given, mailing.workspace.name, reader)
    act = openconsent.give if given == GIVE else openconsent.withdraw
    act(contacts, mailing.source, text=text, ip=ip)
    if given == WITHDRAW:
        openpixels.forget_of_messages([message.pk])
        if message.contact_id is not None and message.contact_id not in contacts:
            openpixels.forget_of_contacts([message.contact_id])
