"""Unsubscribing by a message's link, and undoing it."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from contacts.models import Afterwards, List, Subscription, Suppression
from contacts.provenance import IMPORT
from contacts.queries import mailable
from contacts.services import lists, suppressions
from sending.models import Event, Mailing, Message
from tracking.models import Hit
from tracking.services import hits, persons
from tracking.services.persons import Person

Status = Subscription.Status
Reason = Suppression.Reason
# How long a recipient may undo an unsubscription. The time counts from the unsubscription in the
# database, so that opening the page again doesn't extend it. The limit exists because mails are
# kept and forwarded: an old link must not subscribe anybody again.
UNDO_FOR = timedelta(days=1)
# Reasons by which the person refused all mail: the page has nothing left to ask.
WISHES = (Reason.UNSUBSCRIBED, Reason.COMPLAINED)


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """What the recipient of a message may leave or take back. `subscribed`, `left`: those of the
    lists that the mail came from (`_lists_of`) that the recipient is on, or has left."""

    subscribed: list[List]
    left: list[List]
    # All addresses of the recipient are suppressed: no mailing reaches them.
    suppressed: bool
    # All addresses are suppressed because the recipient unsubscribed or complained.
    said_no: bool
    # This mail's link unsubscribed them less than a day ago, so it may undo that.
    can_undo: bool
    # This mail's link unsubscribed them more than a day ago.
    undo_is_over: bool
    # The recipient unsubscribed by several mails: no single link may undo that.
    said_again: bool
    # Suppressions that this mail's link did not make; an undo doesn't lift them.
    others: list[Suppression] = field(default_factory=list)

    @property
    def is_out(self) -> bool:
        return self.suppressed or not self.subscribed

    @property
    def asks(self) -> bool:
        """Whether the page offers to unsubscribe. Also for a bounced address or a suppressed
        domain: it may get mail again some day."""
        return bool(self.subscribed) and not self.said_no


def status_of(message: Message) -> RecipientStatus:
    person = persons.of(message)
    rows = list(
        _on_lists(message, person.ids, _lists_of(message, person.ids))
        .select_related("list")
        .order_by("list__name")
    )
    on = {row.list_id: row.list for row in rows if row.status == Status.SUBSCRIBED}
    left = {row.list_id: row.list for row in rows if row.status == Status.UNSUBSCRIBED}
    stops = _stops(message, person)
    each = list({stop.pk: stop for some in stops.values() for stop in some}.values())
    done = [stop.created_at for stop in each if _is_by(stop, message)]
    done += _ended(message, person).values_list("changed_at", flat=True)
    became = [row.afterwards for row in rows] + [stop.afterwards for stop in each]
    within = [moment for moment in done if moment > _undo_since()]
    return RecipientStatus(
        subscribed=list(on.values()),
        left=[one for pk, one in left.items() if pk not in on],
        suppressed=all(address in stops for address in person.reached_at),
        said_no=all(
            any(stop.value == address and stop.reason in WISHES for stop in stops.get(address, ()))
            for address in person.reached_at
        ),
        can_undo=bool(within),
        undo_is_over=bool(done) and not within,
        said_again=Afterwards.SAID_AGAIN in became,
        others=_others(message, person, stops),
    )


@transaction.atomic
def leave(message: Message, *, everything: bool = False, user_agent: str = "") -> None:
    """Unsubscribes from the lists that the mail came from (`_lists_of`), or with `everything` from
    every list of the workspace. Safe to do twice.

    It holds for the person (tracking.services.persons), not for one address. Former addresses are
    always suppressed: otherwise an import of one would make a new, subscribed contact. The present
    address is suppressed with `everything`, or if the person is on none of these lists any more:
    then only a suppression keeps their wish.
    """
    person = persons.of(message, lock=True)
    own = [person.own.pk] if person.own else []
    came_from = _lists_of(message, own)
    if not _on_lists(message, own, came_from).exists():
        everything = True
    _leave(message, person, None if everything else came_from, user_agent)


@transaction.atomic
def leave_lists(message: Message, list_ids: list[int], *, user_agent: str = "") -> None:
    """Unsubscribes from these lists of the workspace, which the recipient chose, as `leave`."""
    _leave(message, persons.of(message, lock=True), list_ids, user_agent)


def _leave(message: Message, person: Person, list_ids: list[int] | None, user_agent: str) -> None:
    """`list_ids`: None for everything."""
    mailing = message.mailing
    _say_again(message, person, list_ids)
    lists.unsubscribe(mailing.workspace, person.ids, list_ids, source=mailing.source)
    gone = person.addresses if list_ids is None else person.former
    suppressions.suppress_addresses(
        mailing.workspace,
        [(one, user_agent) for one in gone],
        reason=Reason.UNSUBSCRIBED,
        source=mailing.source,
    )
    if message.mailing.details_dropped_at is None and not _known(message):
        hits.keep(message.pk, Event.Kind.UNSUBSCRIBED, user_agent=user_agent)


@transaction.atomic
def undo(message: Message) -> None:
    """Undoes only what this message's link did within the last day."""
    person = persons.of(message, lock=True)
    since = _undo_since()
    for row in _ended(message, person).filter(changed_at__gt=since).select_related("list"):
        lists.set_status(
            row.list,
            row.contact,
            status=Status.SUBSCRIBED,
            source=message.mailing.source,
            afterwards=Afterwards.TAKEN_BACK,
        )
    for stop in itertools.chain.from_iterable(_stops(message, person).values()):
        if _is_by(stop, message) and stop.created_at > since:
            suppressions.lift(stop, None)


def _say_again(message: Message, person: Person, list_ids: list[int] | None) -> None:
    """Marks lists that the person left by another mail less than a day ago: they now left them by
    this mail, too, so the link of the other mail must no longer undo it. The same for lists that
    they left according to an import, whose undo must not subscribe them again.
    `suppressions.suppress_addresses` marks suppressions itself."""
    mailing = message.mailing
    by_mail = Mailing.objects.filter(
        workspace=mailing.workspace_id,
        source_kind=OuterRef("source_kind"),
        source_id=OuterRef("source_id"),
    )
    lately = Q(Exists(by_mail), changed_at__gt=_undo_since())
    rows = Subscription.objects.filter(
        lately | Q(source_kind=IMPORT),
        list__workspace=mailing.workspace_id,
        contact_id__in=person.ids,
        status=Status.UNSUBSCRIBED,
        afterwards=Afterwards.NOTHING,
    ).exclude(**mailing.source.columns)
    if list_ids is not None:
        rows = rows.filter(list_id__in=list_ids)
    rows.update(afterwards=Afterwards.SAID_AGAIN)


def _undo_since() -> datetime:
    return timezone.now() - UNDO_FOR


def _lists_of(message: Message, contact_ids: list[int]) -> list[int]:
    """The lists that the mail came from: the mailing's. A person whom only a segment reached got it
    for being on a list, whichever: then these are all lists that they are or were on."""
    people = message.mailing.people
    own = list(people.list_ids)
    if not people.of_segments or _on_lists(message, contact_ids, own).exists():
        return own
    every = Subscription.objects.filter(
        list__workspace_id=message.mailing.workspace_id, contact_id__in=contact_ids
    )
    return sorted(set(every.values_list("list_id", flat=True)))


def _on_lists(
    message: Message, contact_ids: list[int], list_ids: list[int]
) -> QuerySet[Subscription]:
    """The subscriptions of these contacts to these lists, including ended ones."""
    return Subscription.objects.filter(
        list__workspace_id=message.mailing.workspace_id,
        list_id__in=list_ids,
        contact_id__in=contact_ids,
    )


def _ended(message: Message, person: Person) -> QuerySet[Subscription]:
    """The person's subscriptions that links of this mailing ended."""
    return Subscription.objects.filter(
        list__workspace_id=message.mailing.workspace_id,
        contact_id__in=person.ids,
        status=Status.UNSUBSCRIBED,
        afterwards=Afterwards.NOTHING,
        **message.mailing.source.columns,
    ).select_related("contact")


def _stops(message: Message, person: Person) -> dict[str, list[Suppression]]:
    """{address: suppressions that stop it}, for all addresses of the person. A pause is none: it
    ends by itself, and who chose it may want to leave."""
    found = mailable.stops_of(message.mailing.workspace, person.addresses)
    lasting = {
        address: [stop for stop in stops if stop.reason != Reason.PAUSED]
        for address, stops in found.items()
    }
    return {address: stops for address, stops in lasting.items() if stops}


def _others(
    message: Message, person: Person, stops: dict[str, list[Suppression]]
) -> list[Suppression]:
    """Suppressions of the addresses to which a mailing may go, except those that this mail's link
    made; one for each kind and reason."""
    held = [stop for address in sorted(person.reached_at) for stop in stops.get(address, ())]
    found = [stop for stop in held if not _is_by(stop, message)]
    return list({(stop.kind, stop.reason): stop for stop in found}.values())


def _is_by(stop: Suppression, message: Message) -> bool:
    return (
        stop.reason == Reason.UNSUBSCRIBED
        and stop.source == message.mailing.source
        and stop.afterwards == Afterwards.NOTHING
    )


def is_by_recipient(stop: Suppression, workspace_id: int) -> bool:
    """Whether the recipient of a mail made the suppression by its link, and nothing after it said
    "no" again. Imports, colleagues and reports of complaints have other sources or reasons."""
    mailings = Mailing.objects.filter(workspace=workspace_id, **stop.source.columns)
    return (
        stop.kind == Suppression.Kind.ADDRESS
        and stop.reason == Reason.UNSUBSCRIBED
        and stop.afterwards == Afterwards.NOTHING
        and stop.created_by_id is None
        and bool(stop.source)
        and mailings.exists()
    )


def has_left(message: Message) -> bool:
    """Whether this mail's link unsubscribed its recipient from anything, and that holds."""
    person = persons.of(message)
    if _ended(message, person).exists():
        return True
    stops = itertools.chain.from_iterable(_stops(message, person).values())
    return any(_is_by(stop, message) for stop in stops)


def _known(message: Message) -> bool:
    kind = Event.Kind.UNSUBSCRIBED
    return (
        Event.objects.filter(message=message, kind=kind).exists()
        or Hit.objects.filter(message_id=message.pk, kind=kind).exists()
    )
