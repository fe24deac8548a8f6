"""Unsubscribing by a message's link, and taking that back."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from contacts.models import List, Subscription, Suppression
from contacts.services import lists, suppressions
from sending.models import Event, Message
from tracking.models import Hit
from tracking.services import hits

Status = Subscription.Status


@dataclass(frozen=True, slots=True)
class Standing:
    """How the recipient of a message stands: lists that the mail went to, and that they are on or
    have left; whether nothing at all may be sent to them."""

    subscribed: list[List]
    left: list[List]
    suppressed: bool
    # It was done by this very mail, so this mail's holder may take it back.
    can_undo: bool

    @property
    def is_out(self) -> bool:
        return self.suppressed or not self.subscribed


def standing(message: Message) -> Standing:
    rows = list(_subscriptions(message).select_related("list").order_by("list__name"))
    stops = list(_suppressions(message))
    source = message.mailing.origin
    return Standing(
        subscribed=[row.list for row in rows if row.status == Status.SUBSCRIBED],
        left=[row.list for row in rows if row.status == Status.UNSUBSCRIBED],
        suppressed=bool(stops),
        can_undo=any(_is_by(stop, source) for stop in stops)
        or any(row.status == Status.UNSUBSCRIBED and row.source == source for row in rows),
    )


@transaction.atomic
def leave(message: Message, *, everything: bool = False, user_agent: str = "") -> None:
    """Leaves the lists that the mail went to, or every mail of the workspace. Safe to do twice.

    Who is on none of these lists by now is suppressed: their wish is kept in any case.
    """
    before = standing(message)
    on_lists = bool(before.subscribed or before.left)
    lists.unsubscribe(
        workspace=message.mailing.workspace,
        address=message.address,
        list_ids=[] if everything or not on_lists else message.mailing.list_ids,
        source=message.mailing.origin,
        detail=user_agent,
    )
    if not _known(message):
        hits.keep(message.pk, Event.Kind.UNSUBSCRIBED, user_agent=user_agent)


@transaction.atomic
def undo(message: Message) -> None:
    """Takes back what this message's link did, and nothing else."""
    source = message.mailing.origin
    for row in _subscriptions(message).filter(status=Status.UNSUBSCRIBED, source=source):
        lists.set_status(
            row.list, row.contact, status=Status.SUBSCRIBED, source=f"{source}, taken back"
        )
    for stop in _suppressions(message):
        if _is_by(stop, source):
            suppressions.lift(stop, None)


def _subscriptions(message: Message) -> QuerySet[Subscription]:
    return Subscription.objects.filter(
        list__workspace_id=message.mailing.workspace_id,
        list_id__in=message.mailing.list_ids,
        contact__email=message.address,
    ).select_related("list", "contact")


def _suppressions(message: Message) -> QuerySet[Suppression]:
    return Suppression.objects.filter(
        workspace_id=message.mailing.workspace_id,
        kind=Suppression.Kind.ADDRESS,
        value=message.address,
        lifted_at=None,
    )


def _is_by(stop: Suppression, source: str) -> bool:
    return stop.reason == Suppression.Reason.UNSUBSCRIBED and stop.source == source


def _known(message: Message) -> bool:
    kind = Event.Kind.UNSUBSCRIBED
    return (
        Event.objects.filter(message=message, kind=kind).exists()
        or Hit.objects.filter(message_id=message.pk, kind=kind).exists()
    )
