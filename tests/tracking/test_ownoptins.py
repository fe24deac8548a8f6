"""Contacts are merged: a subscription chosen by a mail's link counts after an older "no"."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, List, Subscription
from contacts.provenance import Source
from contacts.services import contactmerge
from contacts.services.contactmerge import Values
from tests import factories
from tracking.sources import BY_PERSON

pytestmark = pytest.mark.django_db
BY_MAIL = Source("campaign", 7)


@pytest.mark.parametrize(
    ("source", "afterwards", "days", "expected"),
    [
        (BY_PERSON, "", 1, "subscribed"),
        (BY_PERSON, "", 9, "unsubscribed"),
        (BY_MAIL, "taken_back", 1, "subscribed"),
        (BY_MAIL, "", 1, "unsubscribed"),
    ],
)
def test_the_later_choice_counts(
    workspace: Workspace, source: Source, afterwards: str, days: int, expected: str
) -> None:
    news = List.objects.create(workspace=workspace, name="News")

    def make(email: str, status: str, days: int, **values: object) -> Contact:
        contact = factories.make_contact(workspace, email)
        row = Subscription.objects.create(list=news, contact=contact, status=status, **values)
        then = timezone.now() - timedelta(days=days)
        Subscription.objects.filter(pk=row.pk).update(changed_at=then)
        return contact

    kept = make("new@b.example", "subscribed", days, afterwards=afterwards, **source.columns)
    other = make("old@b.example", "unsubscribed", 3)
    contactmerge.merge(kept, other, Values({}, {}))
    assert Subscription.objects.get().status == expected
