"""Unsubscribing by a message's link, and taking that back."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from contacts.models import Afterwards, List, Subscription, Suppression
from contacts.services import lists, suppressions
from sending.models import Event, Mailing, Message
from tracking.models import Hit
from tracking.services import hits, persons
from tracking.services.persons import Person

Status = Subscription.Status
Reason = Suppression.Reason
# So long a recipient may take an unsubscription back. Counted from the unsubscription in the
# database, so that opening the page again gives no more time. A mail may lie about or be passed on:
# later, nobody is subscribed again by a link in it.
UNDO_FOR = timedelta(days=1)
# Suppressions that say the person wants no mail: nothing is left to ask them.
WISHES = (Reason.UNSUBSCRIBED, Reason.COMPLAINED)


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """How the recipient of a message stands: lists that the mail went to, and that they are on or
    have left; whether nothing at all is sent to them, and why."""

    subscribed: list[List]
    left: list[List]
    # No mailing reaches any address of theirs.
    suppressed: bool
    # They said so themselves, so there is nothing to ask them.
    said_no: bool
    # It was done by this very mail, less than a day ago: this mail's holder may take it back.
    can_undo: bool
    # It was done by this very mail, and the day is over.
    undo_is_over: bool
    # They said no by several mails: none of them takes it back.
    said_again: bool
    # What stops their mail besides this mail's link. Taking that back changes nothing about it.
    others: list[Suppression] = field(default_factory=list)

    @property
    def is_out(self) -> bool:
        return self.suppressed or not self.subscribed

    @property
    def asks(self) -> bool:
        """There is something to leave: a bounced address or a suppressed domain may get mail again
        some day."""
        return bool(self.subscribed) and not self.said_no


def status_of(message: Message) -> RecipientStatus:
    person = persons.of(message)
    rows = list(
        _on_lists(message, person.ids, message.mailing.list_ids)
        .select_related("list")
        .order_by("list__name")
    )
    on = {row.list_id: row.list for row in rows if row.status == Status.SUBSCRIBED}
    left = {row.list_id: row.list for row in rows if row.status == Status.UNSUBSCRIBED}
    stops = list(_stops(message, person))
    done = [stop.created_at for stop in stops if _is_by(stop, message)]
    done += _ended(message, person).values_list("changed_at", flat=True)
    became = [row.afterwards for row in rows] + [stop.afterwards for stop in stops]
    within = [moment for moment in done if moment > _undo_since()]
    return RecipientStatus(
        subscribed=list(on.values()),
        left=[one for pk, one in left.items() if pk not in on],
        suppressed=all(_stopped(address, stops) for address in person.reached_at),
        said_no=all(
            any(stop.value == address and stop.reason in WISHES for stop in stops)
            for address in person.reached_at
        ),
        can_undo=bool(within),
        undo_is_over=bool(done) and not within,
        said_again=Afterwards.SAID_AGAIN in became,
        others=_others(message, person, stops),
    )


@transaction.atomic
def leave(message: Message, *, everything: bool = False, user_agent: str = "") -> None:
    """Leaves the lists that the mail went to, or every list of the workspace. Safe to do twice.

    It is the person who leaves (tracking.services.persons). Old addresses are suppressed in any
    case: an import of one would make a new contact, which this "no" would not hold for. The present
    one is suppressed if they want no mail at all, or are on none of these lists by now: their wish
    is kept in any case.
    """
    mailing = message.mailing
    person = persons.of(message, lock=True)
    own = [person.own.pk] if person.own else []
    if not _on_lists(message, own, mailing.list_ids).exists():
        everything = True
    _say_again(message, person, None if everything else mailing.list_ids)
    lists.unsubscribe(
        mailing.workspace,
        person.ids,
        None if everything else mailing.list_ids,
        source=mailing.source,
    )
    suppressions.suppress_addresses(
        mailing.workspace,
        [(one, user_agent) for one in (person.addresses if everything else person.former)],
        reason=Reason.UNSUBSCRIBED,
        source=mailing.source,
    )
    if message.mailing.details_dropped_at is None and not _known(message):
        hits.keep(message.pk, Event.Kind.UNSUBSCRIBED, user_agent=user_agent)


@transaction.atomic
def undo(message: Message) -> None:
    """Takes back what this message's link did within the last day, and nothing else."""
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
    for stop in _stops(message, person):
        if _is_by(stop, message) and stop.created_at > since:
            suppressions.lift(stop, None)


def _say_again(message: Message, person: Person, list_ids: list[int] | None) -> None:
    """Lists that the person left by another mail less than a day ago: this mail says no as well, so
    the link of that one must not take it back. Suppressions do the same by themselves."""
    mailing = message.mailing
    by_mail = Mailing.objects.filter(
        workspace=mailing.workspace_id,
        source_kind=OuterRef("source_kind"),
        source_id=OuterRef("source_id"),
    )
    rows = Subscription.objects.filter(
        Exists(by_mail),
        list__workspace=mailing.workspace_id,
        contact_id__in=person.ids,
        status=Status.UNSUBSCRIBED,
        afterwards=Afterwards.NOTHING,
        changed_at__gt=_undo_since(),
    ).exclude(**mailing.source.columns)
    if list_ids is not None:
        rows = rows.filter(list_id__in=list_ids)
    rows.update(afterwards=Afterwards.SAID_AGAIN)


def _undo_since() -> datetime:
    return timezone.now() - UNDO_FOR


def _on_lists(
    message: Message, contact_ids: list[int], list_ids: list[int]
) -> QuerySet[Subscription]:
    """The places of these contacts on these lists, left ones included."""
    return Subscription.objects.filter(
        list__workspace_id=message.mailing.workspace_id,
        list_id__in=list_ids,
        contact_id__in=contact_ids,
    )


def _ended(message: Message, person: Person) -> QuerySet[Subscription]:
    """Subscriptions that this mailing's links ended."""
    return Subscription.objects.filter(
        list__workspace_id=message.mailing.workspace_id,
        contact_id__in=person.ids,
        status=Status.UNSUBSCRIBED,
        afterwards=Afterwards.NOTHING,
        **message.mailing.source.columns,
    ).select_related("contact")


def _stops(message: Message, person: Person) -> QuerySet[Suppression]:
    """Active suppressions of the person's addresses, and of the domains that they are mailed at."""
    domains = {_domain(address) for address in person.reached_at}
    return Suppression.objects.filter(
        Q(kind=Suppression.Kind.ADDRESS, value__in=person.addresses)
        | Q(kind=Suppression.Kind.DOMAIN, value__in=domains),
        workspace_id=message.mailing.workspace_id,
        lifted_at=None,
    ).order_by("kind", "pk")


def _stopped(address: str, stops: list[Suppression]) -> bool:
    return any(stop.value in {address, _domain(address)} for stop in stops)


def _others(message: Message, person: Person, stops: list[Suppression]) -> list[Suppression]:
    """Suppressions that hold for an address they are mailed at and that this mail's link did not
    make; one of each reason."""
    held = person.reached_at | {_domain(address) for address in person.reached_at}
    found = [stop for stop in stops if stop.value in held and not _is_by(stop, message)]
    return list({(stop.kind, stop.reason): stop for stop in found}.values())


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _is_by(stop: Suppression, message: Message) -> bool:
    return (
        stop.reason == Reason.UNSUBSCRIBED
        and stop.source == message.mailing.source
        and stop.afterwards == Afterwards.NOTHING
    )


def _known(message: Message) -> bool:
    kind = Event.Kind.UNSUBSCRIBED
    return (
        Event.objects.filter(message=message, kind=kind).exists()
        or Hit.objects.filter(message_id=message.pk, kind=kind).exists()
    )
