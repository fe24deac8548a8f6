"""Two contacts of one person become one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts.contactmerge import OwnOptIn, followers, own_opt_ins
from contacts.exceptions import ContactsError
from contacts.models import Afterwards, Contact, Subscription
from contacts.queries import contactmerge as query
from contacts.queries import importing
from contacts.services import contacts
from environment import logs

log = logs.get(__name__)
SUBSCRIBED, UNSUBSCRIBED = Subscription.Status.SUBSCRIBED, Subscription.Status.UNSUBSCRIBED


class MergeError(ContactsError):
    """The contacts can't be merged now; the text says why, for users."""


class ChangedError(MergeError):
    """One of both was changed since the page was opened."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values that stay. `names`: of contacts.services.contacts.FIELDS."""

    names: Mapping[str, str]
    attributes: Mapping[str, Any]


def state_of(*people: Contact) -> str:
    """Changes with each change of the contacts themselves."""
    return " ".join(f"{one.pk}:{one.updated_at.timestamp()}" for one in people)


def after(kept: str, other: str, *, back: bool = False) -> str:
    """The status on a list ("": none) of the one contact: who left stays off the list. `back`:
    unless the person came back later. The same as contacts.queries.contactmerge.LISTS."""
    if back:
        return SUBSCRIBED
    return UNSUBSCRIBED if UNSUBSCRIBED in {kept, other} else kept or other


def came_back(one: Contact, two: Contact) -> set[int]:
    """Ids of the lists that one of both left, and to which the other was subscribed later by the
    person. Whoever said "no" again by another mail stays off: nobody knows when that was."""
    return _came_back(one, two, _opted_in(one, two))


def _opted_in(*people: Contact) -> list[OwnOptIn]:
    """Those by which these contacts are subscribed now."""
    ids = [one.pk for one in people]
    rows = Subscription.objects.filter(contact__in=ids, status=SUBSCRIBED)
    now = {(row.contact_id, row.list_id): row.source for row in rows}
    each = (one for known in own_opt_ins for one in known(ids))
    return [one for one in each if now.get((one.contact_id, one.list_id)) == one.source]


def _came_back(one: Contact, two: Contact, opted_in: list[OwnOptIn]) -> set[int]:
    left = Subscription.objects.filter(
        contact__in=[one.pk, two.pk], status=UNSUBSCRIBED, afterwards=Afterwards.NOTHING
    )
    left_at = dict(left.values_list("list_id", "changed_at"))
    return {
        known.list_id
        for known in opted_in
        if known.list_id in left_at and known.at > left_at[known.list_id]
    }


@transaction.atomic
def merge(
    kept: Contact, other: Contact, values: Values, *, state: str = "", by: User | None = None
) -> Contact:
    """`other` becomes a part of `kept`, which keeps its address; the other address is a former one.
    `state`: that of both when a person saw them, in the order of their ids. Raises MergeError.

    No mailing is opened meanwhile, since a new one refers to the workspace, which is locked. So a
    mailing sends to `other` before (then apps to the right refuse the merge while it could also
    send to `kept`), or it doesn't know `other`.
    """
    # Before the workspace: batches of imports do it in this order.
    importing.wait_for_turn(kept.workspace_id)
    Workspace.objects.select_for_update().get(pk=kept.workspace_id)
    both = Contact.objects.select_for_update().filter(
        workspace=kept.workspace_id, pk__in=[kept.pk, other.pk]
    )
    found = both.order_by("pk").in_bulk()
    if len(found) < 2:
        raise Contact.DoesNotExist
    if state and state != state_of(*(found[pk] for pk in sorted(found))):
        raise ChangedError(
            _("One of both was changed after you opened this page. Look at the values again.")
        )
    kept, other = found[kept.pk], found[other.pk]
    if problem := obstacle(kept, other):
        raise MergeError(problem)
    # Before anything is moved.
    opted_in = _opted_in(kept, other)
    back = _came_back(kept, other, opted_in)
    back_at = max((one.at for one in opted_in if one.contact_id == kept.pk), default=None)
    for follower in followers:
        follower.move(kept, other)
    query.join(kept, other, back=back, back_at=back_at)
    return _changed(kept, other, values, by)


def obstacle(kept: Contact, other: Contact) -> str:
    """Why both can't be merged now, for users; "": nothing is against it."""
    return next(filter(None, (one.obstacle(kept, other) for one in followers)), "")


def _changed(kept: Contact, other: Contact, values: Values, by: User | None) -> Contact:
    for name in contacts.FIELDS:
        setattr(kept, name, values.names.get(name, ""))
    kept.attributes = contacts.present(values.attributes)
    if other.created_at < kept.created_at:
        kept.created_at = other.created_at
        kept.source_kind, kept.source_id = other.source_kind, other.source_id
    kept.save()
    log.committed.info(
        "contacts merged", contact=kept.pk, workspace=kept.workspace_id, user=by and by.pk
    )
    return kept


def mails(contact: Contact) -> int:
    return sum(follower.mails(contact) for follower in followers)
