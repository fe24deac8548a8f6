"""Two contacts of one person become one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts.contactmerge import followers
from contacts.exceptions import ContactsError
from contacts.models import Contact, Subscription
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


def after(kept: str, other: str) -> str:
    """The status on a list ("": none) of the one contact: who left stays off the list. The same as
    contacts.queries.contactmerge.LISTS."""
    return UNSUBSCRIBED if UNSUBSCRIBED in {kept, other} else kept or other


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
    for follower in followers:
        follower.move(kept, other)
    query.join(kept, other)
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
