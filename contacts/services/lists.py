"""Lists and their subscriptions."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Afterwards, Contact, List, Subscription
from contacts.provenance import Source
from contacts.queries import subscribing

# How many former names of a list are kept.
MOST_NAMES = 50


def create(workspace: Workspace, *, name: str, **values: Any) -> List:
    """The workspace's list with this name; made with these values if it doesn't exist, once even if
    two requests come at once."""
    one, _ = List.objects.get_or_create(workspace=workspace, name=name, defaults=values)
    return one


def change(target: List, *, name: str, **values: Any) -> None:
    """Rename it, and set these values. Its name must not be another list's."""
    before = List.objects.values_list("name", flat=True).get(pk=target.pk)
    if before != name:
        known = [one for one in target.former_names if one not in {before, name}]
        target.former_names = [*known, before][-MOST_NAMES:]
    target.name = name
    for field, value in values.items():
        setattr(target, field, value)
    target.save(update_fields=["name", "former_names", *values])


def unsubscribe(
    workspace: Workspace,
    contact_ids: Collection[int],
    list_ids: Sequence[int] | None,
    *,
    source: Source,
) -> int:
    """Unsubscribe these people from these lists (None: from all lists of the workspace).

    Returns how many subscriptions ended. Running it twice changes nothing.
    """
    rows = Subscription.objects.filter(
        list__workspace=workspace,
        contact_id__in=contact_ids,
        status=Subscription.Status.SUBSCRIBED,
    )
    if list_ids is not None:
        rows = rows.filter(list_id__in=list_ids)
    return rows.update(
        status=Subscription.Status.UNSUBSCRIBED,
        afterwards=Afterwards.NOTHING,
        changed_at=timezone.now(),
        **source.columns,
    )


def subscribe(
    target: List,
    people: QuerySet[Contact],
    *,
    source: Source,
    consent: str = Subscription.Consent.UNKNOWN,
) -> int:
    """Put contacts on the list; returns how many are newly on it. A person who left the list stays
    off it: only the person can come back.
    """
    return subscribing.subscribe(target, people, consent=consent, source=source)


def opt_in(contact: Contact, list_ids: Collection[int], *, source: Source) -> set[int]:
    """Subscribe a person who has proved that the address is theirs, with explicit consent; also to
    lists that the person left. Returns the ids of the lists that are new. Lock the contact's row
    first."""
    return subscribing.opt_in(contact, list_ids, source=source)


def remove(target: List, people: QuerySet[Contact]) -> int:
    """Take contacts off the list as if they had never been on it; unsubscribes stay recorded.
    Returns how many."""
    removed, _ = Subscription.objects.filter(
        list=target,
        contact__in=people.order_by(),
        status=Subscription.Status.SUBSCRIBED,
    ).delete()
    return removed


def undo_subscribe(workspace: Workspace, source: Source) -> int:
    """Undo one `subscribe` by its source; returns how many."""
    removed, _ = Subscription.objects.filter(
        list__workspace=workspace, status=Subscription.Status.SUBSCRIBED, **source.columns
    ).delete()
    return removed


@transaction.atomic
def set_status(  # noqa: PLR0913 - the columns of the row
    target: List,
    contact: Contact,
    *,
    status: str,
    source: Source,
    afterwards: str = Afterwards.NOTHING,
    consent: str | None = None,
) -> Subscription:
    """Set one contact's status, decided by a person with that permission, or by the contact's own
    choice; resubscribing is allowed. `consent`: None leaves it as it is."""
    values: dict[str, Any] = {"status": status, "afterwards": afterwards, **source.columns}
    if consent is not None:
        values["consent"] = consent
    subscription, _ = Subscription.objects.update_or_create(
        list=target, contact=contact, defaults=values
    )
    return subscription


def toggle_archive(target: List) -> bool:
    """Archive a list (pages no longer offer it, its people stay) or bring it back; True:
    archived."""
    target.archived_at = None if target.archived_at else timezone.now()
    target.save(update_fields=["archived_at"])
    return target.archived_at is not None
