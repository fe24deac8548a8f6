"""A contact's mails and their results, in the contact's timeline."""

import re
from collections.abc import Iterable
from itertools import chain

from django.utils.translation import gettext as _

from accounts.markets import marked
from contacts import addresses
from contacts.erasures import is_erased
from contacts.models import Contact
from contacts.provenance import Source
from contacts.timeline import TimelineEntry, contributors
from pages import locales, reasons, statuses
from sending.machines import KINDS, WORDS, Actor, event_words
from sending.models import Event, LeftOut, Mailing, Message, Variant
from sending.queries.blocks import of_messages

# How many of the newest are shown. By the index message_by_contact.
MESSAGES, EVENTS = 50, 50

# Personal values are not stored: "…" stands for them.
FILLED_IN = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)

ICONS = {
    Event.Kind.OPENED: "mail-opened",
    Event.Kind.CLICKED: "hand-click",
    Event.Kind.UNSUBSCRIBED: "user-minus",
}


Subjects = dict[tuple[int, int], str]


@contributors.add
def mails(contact: Contact) -> Iterable[TimelineEntry]:
    """Messages with their state and the server's reply, and their events; newest first."""
    own = Message.objects.filter(contact_id=contact.pk, mailing__workspace=contact.workspace_id)
    messages = list(own.order_by("-pk")[:MESSAGES])
    ids = {message.mailing_id for message in messages}
    mailings = Mailing.objects.only("source_kind", "source_id", "opened_at").in_bulk(ids)
    subjects = sent_subjects(ids)
    numbers = [message.pk for message in messages]
    events = Event.objects.filter(of_messages(numbers), message__in=numbers)
    by_id = {message.pk: message for message in messages}
    return chain(
        (_message(one, mailings[one.mailing_id], subjects, contact) for one in messages),
        (
            _event(event, by_id[event.message_id], mailings[event.mailing_id].source, subjects)
            for event in events.order_by("-pk")[:EVENTS]
        ),
    )


@contributors.add
def left_out(contact: Contact) -> Iterable[TimelineEntry]:
    """Mailings that left the contact out. By the index left_out_by_contact."""
    found = LeftOut.objects.filter(contact_id=contact.pk, mailing__workspace=contact.workspace_id)
    rows = list(found.select_related("mailing").order_by("-pk")[:MESSAGES])
    subjects = sent_subjects({row.mailing_id for row in rows})
    for row in rows:
        since = _("since {moment}").format(moment=locales.absolute(row.since)) if row.since else ""
        subject = subjects.get((row.mailing_id, 0), "")
        yield TimelineEntry(
            at=row.mailing.opened_at,
            title=_("Left out of the mail “{subject}”").format(subject=subject),
            icon=statuses.look("left_out").icon,
            detail=" · ".join(filter(None, (reasons.text(row.reason), since))),
            source=row.mailing.source,
        )


def _another(address: str, contact: Contact) -> str:
    """The address of a mail that did not go to the present one."""
    if address == contact.email or is_erased(address):
        return ""
    return _("to {address}").format(address=addresses.display(address))


def _message(
    message: Message, mailing: Mailing, subjects: Subjects, contact: Contact
) -> TimelineEntry:
    reason = reasons.text(message.reason) if message.reason else ""
    look = statuses.look(Message.State(message.state).name.lower())
    subject = subjects.get((message.mailing_id, message.variant), "")
    subject = marked(subject, message.markets)
    title = _("Mail “{subject}”: {state}").format(subject=subject, state=str(look.label))
    # A settled message shows when it was settled; a waiting one when its mailing was opened.
    return TimelineEntry(
        at=message.settled_at or mailing.opened_at,
        title=title,
        icon=look.icon,
        detail=" · ".join(filter(None, (_another(message.address, contact), reason))),
        words=message.reply,
        source=mailing.source,
    )


def _event(event: Event, message: Message, source: Source, subjects: Subjects) -> TimelineEntry:
    look = statuses.look(event.kind)
    subject = subjects.get((message.mailing_id, message.variant), "")
    subject = marked(subject, message.markets)
    what = str(event.get_kind_display())
    by = WORDS[Actor(event.actor)] if event.kind in KINDS else ""
    if event.actor > 0:
        what = event_words(what, event.actor)
    title = _("{what}: mail “{subject}”").format(what=what, subject=subject)
    icon = ICONS.get(Event.Kind(event.kind), look.icon)
    doubt = str(by) if event.actor == Actor.UNKNOWN else ""
    return TimelineEntry(event.at, title, icon, detail=doubt, words=event.detail, source=source)


def sent_subjects(mailings: Iterable[int]) -> Subjects:
    """{(mailing id, number of the variant): subject}, without marks; "…" for merge fields"""
    rows = Variant.objects.filter(mailing__in=set(mailings))
    return {
        (mailing, number): FILLED_IN.sub("…", subject)
        for mailing, number, subject in rows.values_list("mailing", "number", "content__subject")
    }
