"""A contact's mails and what came of them, in the contact's timeline."""

import re
from collections.abc import Iterable
from itertools import chain

from django.utils.translation import gettext as _

from contacts.models import Contact
from contacts.timeline import Entry, providers
from pages import locales, reasons, statuses
from sending.models import Event, LeftOut, Mailing, Message

# The newest of each, by message_by_contact.
MESSAGES, EVENTS = 50, 50

# What was filled in for each person is kept nowhere.
FILLED_IN = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)

ICONS = {
    Event.Kind.OPENED: "mail-opened",
    Event.Kind.CLICKED: "hand-click",
    Event.Kind.UNSUBSCRIBED: "user-minus",
}


@providers.add
def mails(contact: Contact) -> Iterable[Entry]:
    """Messages with their state and the server's words, and their events; newest first."""
    own = Message.objects.filter(contact_id=contact.pk, mailing__workspace=contact.workspace_id)
    messages = list(own.order_by("-pk")[:MESSAGES])
    light = Mailing.objects.only("origin", "opened_at", "content__subject")
    ids = {message.mailing_id for message in messages}
    mailings = light.select_related("content").in_bulk(ids)
    events = Event.objects.filter(message__in=[message.pk for message in messages])
    origins = {message.pk: mailings[message.mailing_id] for message in messages}
    return chain(
        (_message(message, mailings[message.mailing_id]) for message in messages),
        (_event(event, origins[event.message_id]) for event in events.order_by("-pk")[:EVENTS]),
    )


@providers.add
def left_out(contact: Contact) -> Iterable[Entry]:
    """The mailings that the contact was on a list of and did not get, by left_out_by_contact."""
    rows = LeftOut.objects.filter(contact_id=contact.pk, mailing__workspace=contact.workspace_id)
    for row in rows.select_related("mailing__content").order_by("-pk")[:MESSAGES]:
        since = _("since {moment}").format(moment=locales.absolute(row.since)) if row.since else ""
        yield Entry(
            at=row.mailing.opened_at,
            title=_("Left out of the mail “{subject}”").format(subject=_subject(row.mailing)),
            icon=statuses.look("left_out").icon,
            detail=" · ".join(filter(None, (reasons.text(row.reason), since))),
            source=row.mailing.origin,
        )


def _message(message: Message, mailing: Mailing) -> Entry:
    look = statuses.look(Message.State(message.state).name.lower())
    title = _("Mail “{subject}”: {state}").format(subject=_subject(mailing), state=str(look.label))
    # What waits was put into the mailing then; what is settled was settled then.
    return Entry(
        at=message.settled_at or mailing.opened_at,
        title=title,
        icon=look.icon,
        detail=reasons.text(message.reason) if message.reason else "",
        words=message.reply,
        source=mailing.origin,
    )


def _event(event: Event, mailing: Mailing) -> Entry:
    look = statuses.look(event.kind)
    title = _("{what}: mail “{subject}”").format(
        what=event.get_kind_display(), subject=_subject(mailing)
    )
    icon = ICONS.get(Event.Kind(event.kind), look.icon)
    return Entry(event.at, title, icon, words=event.detail, source=mailing.origin)


def _subject(mailing: Mailing) -> str:
    return FILLED_IN.sub("…", mailing.content.subject)
