"""Lists and who is on them."""

from collections.abc import Sequence

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Workspace
from contacts import addresses
from contacts.models import Contact, List, Subscription, Suppression
from contacts.services.suppressions import suppress


def unsubscribe(
    *,
    workspace: Workspace,
    address: str,
    list_ids: Sequence[int],
    source: str,
    detail: str = "",
) -> None:
    """The person wants no more mail from these lists; from none of them: no mail at all.

    Without lists the address is suppressed as unsubscribed. Running it twice changes nothing.
    """
    email = addresses.normalise(address)
    if not list_ids:
        suppress(
            workspace,
            value=email,
            kind=Suppression.Kind.ADDRESS,
            reason=Suppression.Reason.UNSUBSCRIBED,
            source=source,
            detail=detail,
        )
        return
    Subscription.objects.filter(
        list__workspace=workspace,
        list_id__in=list_ids,
        contact__email=email,
        status=Subscription.Status.SUBSCRIBED,
    ).update(status=Subscription.Status.UNSUBSCRIBED, source=source, changed_at=timezone.now())


def subscribe(
    target: List,
    contact_ids: Sequence[int],
    *,
    source: str,
    consent: str = Subscription.Consent.UNKNOWN,
) -> list[int]:
    """Put contacts on the list; returns the ids of those that are newly on it.

    Who left the list stays off it: only the person can come back.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO contacts_subscription
                (list_id, contact_id, status, consent, source, created_at, changed_at)
            SELECT %s, contact.id, 'subscribed', %s, %s, now(), now()
            FROM contacts_contact contact
            WHERE contact.workspace_id = %s AND contact.id = ANY(%s)
            ORDER BY contact.id
            ON CONFLICT (list_id, contact_id) DO NOTHING
            RETURNING contact_id
            """,
            [target.pk, consent, source, target.workspace_id, list(contact_ids)],
        )
        return [row[0] for row in cursor.fetchall()]


def remove(target: List, contact_ids: Sequence[int]) -> int:
    """Take contacts off the list as if they had never been on it; who unsubscribed stays
    recorded. Returns how many."""
    removed, _ = Subscription.objects.filter(
        list=target, contact_id__in=contact_ids, status=Subscription.Status.SUBSCRIBED
    ).delete()
    return removed


@transaction.atomic
def set_status(target: List, contact: Contact, *, status: str, source: str) -> Subscription:
    """What a person with the right to do so decided about one contact, resubscribing included."""
    subscription, _ = Subscription.objects.update_or_create(
        list=target, contact=contact, defaults={"status": status, "source": source}
    )
    return subscription
