"""Subscriptions that a person chose by a mail's link, for contacts that are merged."""

from collections.abc import Collection, Iterator

from django.db.models import Q

from contacts.contactmerge import OwnOptIn
from contacts.models import Afterwards, Subscription
from tracking.sources import BY_PERSON


def of(contact_ids: Collection[int]) -> Iterator[OwnOptIn]:
    """On the page of preferences, which subscribes only by a fresh mail to the present address; or
    by taking back an unsubscription within a day."""
    chosen = Q(**BY_PERSON.columns) | Q(afterwards=Afterwards.TAKEN_BACK)
    rows = Subscription.objects.filter(
        chosen, contact__in=contact_ids, status=Subscription.Status.SUBSCRIBED
    )
    for row in rows:
        yield OwnOptIn(row.contact_id, row.list_id, row.changed_at, row.source)
