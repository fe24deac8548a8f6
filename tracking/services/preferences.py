"""What the recipient of a mail chooses by its link: lists, frequency, a pause, the language.

Less mail can be chosen by any mail, however old, as an unsubscription can. More mail, and another
address, only by a mail that is not older than `FRESH_FOR` and went to the contact's present
address: mails are kept and forwarded, and addresses are given to others. The end of a pause, and
of a limit, is no more than what was before.
"""

import calendar
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from contacts import languages
from contacts.models import Attribute, Contact, List, Subscription, Suppression
from contacts.preferencemodels import MailFrequency, PreferenceChoice
from contacts.queries import mailable, pausing
from contacts.services import lists, preferences, suppressions
from pages import publicwords
from sending.models import Message
from tracking.services import leaving, persons
from tracking.services.persons import Person
from tracking.sources import BY_PERSON

Kind = PreferenceChoice.Kind
Status = Subscription.Status
Reason = Suppression.Reason
# How old a mail may be that subscribes its recipient, or changes the address. Newsletters come
# each month at the latest, mostly; a month is also how long other links of a mail are kept in use.
FRESH_FOR = timedelta(days=30)
# Lists on one page; there are hardly ever more.
MOST_LISTS = 200
# For how many months a pause can be.
MONTHS = (1, 2, 3)
END_PAUSE = "end"


@dataclass(frozen=True, slots=True)
class ListChoice:
    """A list on the page. `can_join`: the person is off it, and may subscribe here."""

    list: List
    is_on: bool
    can_join: bool = False


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the recipient has chosen, and may choose. `contact`: None if there is none any more."""

    contact: Contact | None
    lists: list[ListChoice] = field(default_factory=list)
    frequency: str = ""
    paused_until: datetime | None = None
    language: str = ""
    # Codes of publicwords.LANGUAGES; empty if the workspace's attribute takes none of them.
    languages: list[str] = field(default_factory=list)
    # Whether this mail may subscribe, and change the address.
    may_subscribe: bool = False
    # The person unsubscribed from everything. `can_lift`: and may take it back here.
    refused: bool = False
    can_lift: bool = False
    # Other suppressions, which only the sender can lift.
    others: list[Suppression] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ChosenPreferences:
    """What the form said. `shown`: ids of the lists that it showed; a list that it did not show
    stays as it is. `pause`: a number of months, END_PAUSE or "". None: not on the form."""

    shown: frozenset[int] = frozenset()
    ticked: frozenset[int] = frozenset()
    frequency: str | None = None
    pause: str = ""
    language: str | None = None
    again: bool = False


def sent_at(message: Message) -> datetime:
    return message.settled_at or message.mailing.opened_at


def may_subscribe(message: Message, own: Contact | None) -> bool:
    """Whether the link proves that its holder reads the contact's mail now."""
    is_fresh = sent_at(message) > timezone.now() - FRESH_FOR
    return is_fresh and own is not None and own.email == message.address


def of(message: Message) -> Preferences:
    return _of(message, persons.of(message))


def _of(message: Message, person: Person) -> Preferences:
    own = person.own
    if own is None:
        return Preferences(None)
    fresh = may_subscribe(message, own)
    stops = mailable.stops_of(own.workspace, [own.email]).get(own.email, [])
    by_person = [stop for stop in stops if leaving.is_by_recipient(stop, own.workspace_id)]
    others = [one for one in stops if one not in by_person and one.reason != Reason.PAUSED]
    pause = pausing.in_force(stops)
    limit = MailFrequency.objects.filter(contact=own).first()
    told = own.attributes.get(languages.ATTRIBUTE)
    return Preferences(
        contact=own,
        lists=_lists(own, fresh=fresh),
        frequency=limit.most if limit else "",
        paused_until=pause.until if pause else None,
        language=publicwords.known(told) if isinstance(told, str) else "",
        languages=_languages(preferences.attribute_of(own.workspace)),
        may_subscribe=fresh,
        refused=bool(by_person),
        can_lift=bool(by_person) and not others and fresh,
        others=others,
    )


def _lists(own: Contact, *, fresh: bool) -> list[ListChoice]:
    """Those that the person is on, and public ones that they may join."""
    on = Subscription.objects.filter(contact=own, status=Status.SUBSCRIBED)
    ids = set(on.values_list("list_id", flat=True)[:MOST_LISTS])
    there = List.objects.filter(workspace_id=own.workspace_id)
    public = there.filter(public=True, archived_at=None) if fresh else there.none()
    found = (there.filter(pk__in=ids) | public).order_by("name")[:MOST_LISTS]
    return [ListChoice(one, one.pk in ids, fresh and one.pk not in ids) for one in found]


def _languages(attribute: Attribute | None) -> list[str]:
    if attribute is None or attribute.type == Attribute.Type.TEXT:
        return list(publicwords.LANGUAGES)
    if attribute.type == Attribute.Type.CHOICE:
        return [code for code in publicwords.LANGUAGES if code in attribute.choices]
    return []


@transaction.atomic
def choose(
    message: Message,
    chosen: ChosenPreferences,
    *,
    words: Mapping[int, str],
    user_agent: str = "",
) -> bool:
    """Does what the form says, as far as this mail may (see above); safe to do twice. `words`:
    {list id: the text of consent as the person read it}. Returns whether everything was allowed.
    Raises TooManyChoicesError; then nothing was changed."""
    person = persons.of(message, lock=True)
    now = _of(message, person)
    if now.contact is None:
        return False
    made = _Choices(message, now.contact)
    _leave(message, now, chosen, made, user_agent)
    allowed = _join(now, chosen, words, made)
    if chosen.frequency is not None and chosen.frequency != now.frequency:
        preferences.set_frequency(now.contact, chosen.frequency)
        made.note(Kind.FREQUENCY, chosen.frequency)
    _pause(message, person, now, chosen.pause, made)
    if chosen.language and chosen.language in now.languages and chosen.language != now.language:
        preferences.set_language(now.contact, chosen.language)
        made.note(Kind.LANGUAGE, chosen.language)
    return allowed


@dataclass(frozen=True, slots=True)
class _Choices:
    """Notes what was chosen by a mail."""

    message: Message
    contact: Contact

    def note(self, kind: str, value: str, words: str = "") -> None:
        preferences.record(
            self.contact,
            kind,
            message_id=self.message.pk,
            source=self.message.mailing.source,
            value=value,
            words=words,
        )


def _leave(
    message: Message, now: Preferences, chosen: ChosenPreferences, made: _Choices, user_agent: str
) -> None:
    gone = [
        one.list for one in now.lists if one.is_on and one.list.pk in chosen.shown - chosen.ticked
    ]
    if gone:
        leaving.leave_lists(message, [one.pk for one in gone], user_agent=user_agent)
    for one in gone:
        made.note(Kind.LEFT, one.name)


def _join(
    now: Preferences, chosen: ChosenPreferences, words: Mapping[int, str], made: _Choices
) -> bool:
    """False: a list was ticked that this mail may not subscribe to."""
    if chosen.again and now.can_lift:
        _lift(now, made)
    on = {one.list.pk for one in now.lists if one.is_on}
    wanted = chosen.ticked & chosen.shown - on
    if not wanted:
        return now.can_lift or not chosen.again
    joined = {one.list.pk: one.list for one in now.lists if one.can_join and one.list.pk in wanted}
    if now.refused and not (chosen.again and now.can_lift):
        return False
    for pk, target in joined.items():
        lists.set_status(
            target,
            made.contact,
            status=Status.SUBSCRIBED,
            source=BY_PERSON,
            consent=Subscription.Consent.EXPLICIT,
        )
        made.note(Kind.SUBSCRIBED, target.name, words.get(pk, ""))
    return joined.keys() == wanted


def _lift(now: Preferences, made: _Choices) -> None:
    """The unsubscription from everything, which the person made."""
    stops = mailable.stops_of(made.contact.workspace, [made.contact.email])
    for stop in stops.get(made.contact.email, ()):
        if leaving.is_by_recipient(stop, made.contact.workspace_id):
            suppressions.lift(stop, None)
    made.note(Kind.AGAIN, made.contact.email)


def _pause(message: Message, person: Person, now: Preferences, pause: str, made: _Choices) -> None:
    workspace = message.mailing.workspace
    if pause == END_PAUSE:
        if preferences.end_pause(workspace, person.reached_at):
            made.note(Kind.RESUMED, "")
        return
    if pause not in set(map(str, MONTHS)):
        return
    until = end_of(int(pause), timezone.localdate())
    if now.paused_until == until:
        return
    preferences.pause(workspace, person.reached_at, until=until, source=message.mailing.source)
    made.note(Kind.PAUSED, timezone.localtime(until).date().isoformat())


def end_of(months: int, today: date) -> datetime:
    """The end of a pause: the same moment for a form that is sent twice on a day."""
    years, month = divmod(today.month - 1 + months, 12)
    year, month = today.year + years, month + 1
    day = min(today.day, calendar.monthrange(year, month)[1])
    return timezone.make_aware(datetime(year, month, day))  # noqa: DTZ001 - made aware


def say_why(message: Message, because: str, words: str) -> bool:
    """Keeps why the recipient left by this mail. False: they did not, or gave no reason of ours."""
    own = persons.of(message).own
    if own is None or because not in PreferenceChoice.Because.values:
        return False
    if not leaving.has_left(message):
        return False
    preferences.say_why(
        own, because, words=words, message_id=message.pk, source=message.mailing.source
    )
    return True


def joinable(message: Message, ids: Collection[int]) -> list[List]:
    """Those of the lists that the page offers to join."""
    return [one.list for one in of(message).lists if one.can_join and one.list.pk in ids]
