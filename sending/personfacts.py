"""The mails of a person, for the person (contacts.personfile)."""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.markets import marked
from contacts import addresses, sources
from contacts.erasures import ErasedPerson, is_erased
from contacts.personfacts import comes_from, say_for, source_of
from contacts.personfile import Fact, Section
from pages import locales, reasons, statuses
from sending import timeline
from sending.machines import KINDS, WORDS, Actor
from sending.models import Event, Mailing, Message
from sending.queries import personmails as query
from sending.timeline import Subjects


def mails(person: ErasedPerson) -> Iterator[Fact]:
    for piece in query.messages(person):
        mailings = list({row.mailing for row, _events in piece})
        say = say_for(person, mailings)
        subjects = timeline.sent_subjects(one.pk for one in mailings)
        for message, events in piece:
            yield _mail(message, events, subjects, say)


def _mail(message: Message, events: Iterable[Event], subjects: Subjects, say: sources.Say) -> Fact:
    subject = subjects.get((message.mailing_id, message.variant), "")
    subject = marked(subject, message.markets)
    address = "" if is_erased(message.address) else message.address
    state = Message.State(message.state).name.lower()
    data = {
        "subject": subject,
        "address": address,
        "purpose": message.mailing.purpose,
        "state": state,
        "reason": message.reason,
        "words": message.reply,
        "at": message.settled_at,
        "mailing_opened_at": message.mailing.opened_at,
        "opens_counted": message.counts_opens,
        "source": source_of(message.mailing, say),
        "events": [_event_data(one) for one in events],
    }
    lines = [_("To {address}").format(address=addresses.display(address))] if address else []
    lines.append(" · ".join(filter(None, _state(message))))
    if message.reply:
        lines.append(_("The server said: {words}").format(words=reasons.said(message.reply)))
    lines += [_event_line(one) for one in events]
    at = message.settled_at or message.mailing.opened_at
    return Fact(data, subject, at, [*lines, *comes_from(message.mailing, say)])


def _state(message: Message) -> tuple[str, str]:
    look = statuses.look(Message.State(message.state).name.lower())
    return str(look.label), reasons.text(message.reason) if message.reason else ""


def _event_data(event: Event) -> dict[str, object]:
    found: dict[str, object] = {"kind": event.kind, "at": event.at, "words": event.detail}
    if event.kind in KINDS:
        found |= {"by": Actor(event.actor).name.lower(), "link": event.link}
    return found


def _event_line(event: Event) -> str:
    what = str(event.get_kind_display())
    if event.kind in KINDS:
        what = f"{what} ({WORDS[Actor(event.actor)]})"
    return " · ".join(filter(None, (what, locales.absolute(event.at), event.detail)))


def left_out(person: ErasedPerson) -> Iterator[Fact]:
    for piece in query.pieces(query.left_out(person)):
        subjects = timeline.sent_subjects(row.mailing_id for row in piece)
        for row in piece:
            mailing: Mailing = row.mailing
            subject = subjects.get((mailing.pk, 0), "")
            data = {"subject": subject, "reason": row.reason, "at": mailing.opened_at}
            data["since"] = row.since
            yield Fact(data, subject, mailing.opened_at, [reasons.text(row.reason)])


def dropped(person: ErasedPerson) -> Iterator[Fact]:
    for piece in query.pieces(query.dropped(person)):
        mailings = list({mailing for mailing, _variant in piece})
        say = say_for(person, mailings)
        subjects = timeline.sent_subjects(one.pk for one in mailings)
        for mailing, variant in piece:
            yield _dropped(mailing, subjects.get((mailing.pk, variant), ""), say)


def _dropped(mailing: Mailing, subject: str, say: sources.Say) -> Fact:
    data = {"subject": subject, "state": "accepted", "mailing_opened_at": mailing.opened_at}
    data |= {"dropped_at": mailing.details_dropped_at, "source": source_of(mailing, say)}
    lines = [_("Accepted. Its details were deleted, as those of all old mails.")]
    return Fact(data, subject, mailing.opened_at, lines + comes_from(mailing, say))


SECTIONS = (
    Section("mails", gettext_lazy("Mails sent"), mails),
    Section("old_mails", gettext_lazy("Old mails sent, without details"), dropped),
    Section("left_out", gettext_lazy("Mails that were not sent to the person"), left_out),
)
