"""Contacts are merged: a sign-up that was confirmed after the other contact's "no" counts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import BY_HAND, Source
from contacts.services import contactmerge, lists, suppressions
from contacts.services.contactmerge import Values
from signups.models import Signup
from tests import factories
from tests.signups.conftest import ADDRESS, link

pytestmark = pytest.mark.django_db
NOTHING = Values({}, {})
OTHER = "old@b.example"
Send = Callable[..., Any]


@pytest.fixture
def left(workspace: Workspace, news: List) -> Contact:
    """Left the list some days ago."""
    contact = factories.make_contact(workspace, OTHER)
    row = Subscription.objects.create(list=news, contact=contact, status="unsubscribed")
    Subscription.objects.filter(pk=row.pk).update(changed_at=timezone.now() - timedelta(days=3))
    return contact


@pytest.fixture
def confirmed(client: Client, send: Send, left: Contact) -> Contact:
    """Signed up by the form, and confirmed it now."""
    send()
    client.post(link())
    return Contact.objects.get(email=ADDRESS)


def status(news: List) -> str:
    return Subscription.objects.get(list=news).status


@pytest.mark.parametrize("stays", [ADDRESS, OTHER])
def test_a_later_confirmed_sign_up_counts(
    confirmed: Contact, left: Contact, news: List, stays: str
) -> None:
    both = (confirmed, left) if stays == ADDRESS else (left, confirmed)
    assert contactmerge.came_back(*both) == {news.pk}
    contactmerge.merge(*both, NOTHING)
    row = Subscription.objects.get(list=news)
    assert (row.contact.email, row.status, row.consent) == (stays, "subscribed", "explicit")
    assert Signup.objects.get().contact == row.contact


def test_an_earlier_one_does_not(confirmed: Contact, left: Contact, news: List) -> None:
    Subscription.objects.filter(contact=left).update(changed_at=timezone.now())
    contactmerge.merge(confirmed, left, NOTHING)
    assert status(news) == "unsubscribed"


def test_nor_does_one_that_the_person_left_again(
    workspace: Workspace, confirmed: Contact, left: Contact, news: List
) -> None:
    """A colleague put them back on the list."""
    lists.unsubscribe(workspace, [confirmed.pk], None, source=Source("campaign", 7))
    lists.set_status(news, confirmed, status="subscribed", source=BY_HAND)
    contactmerge.merge(confirmed, left, NOTHING)
    assert status(news) == "unsubscribed"


def test_nor_against_a_no_that_was_said_again(
    confirmed: Contact, left: Contact, news: List
) -> None:
    Subscription.objects.filter(contact=left).update(afterwards="said_again")
    contactmerge.merge(confirmed, left, NOTHING)
    assert status(news) == "unsubscribed"


@pytest.mark.usefixtures("single")
def test_nor_does_a_single_opt_in(client: Client, send: Send, left: Contact, news: List) -> None:
    """Nothing proves that the address is the person's."""
    send()
    made = Contact.objects.get(email=ADDRESS)
    assert Subscription.objects.get(contact=made).status == "subscribed"
    contactmerge.merge(made, left, NOTHING)
    assert status(news) == "unsubscribed"


@pytest.mark.parametrize("source", [BY_HAND, Source("import", 1)])
def test_nor_do_colleagues_and_imports(
    workspace: Workspace, left: Contact, news: List, source: Source
) -> None:
    made = factories.make_contact(workspace, ADDRESS)
    lists.subscribe(news, Contact.objects.filter(pk=made.pk), source=source, consent="explicit")
    contactmerge.merge(made, left, NOTHING)
    assert status(news) == "unsubscribed"


@pytest.mark.parametrize(
    ("reason", "days", "stopped"),
    [("unsubscribed", 3, False), ("unsubscribed", -1, True), ("complained", 3, True)],
)
def test_an_older_no_to_everything_stays_with_its_address(  # noqa: PLR0917 - fixtures and cases
    workspace: Workspace,
    confirmed: Contact,
    left: Contact,
    reason: str,
    days: int,
    stopped: bool,
) -> None:
    made = suppressions.suppress(
        workspace, value=OTHER, kind="address", reason=reason, source=Source("campaign", 7)
    )
    then = timezone.now() - timedelta(days=days)
    Suppression.objects.filter(pk=made.pk).update(created_at=then)
    contactmerge.merge(confirmed, left, NOTHING)
    in_force = Suppression.objects.filter(lifted_at=None)
    assert in_force.filter(value=OTHER).exists()
    assert in_force.filter(value=ADDRESS).exists() == stopped


def test_the_page_shows_it(owner_client: Client, confirmed: Contact, left: Contact) -> None:
    url = f"/w/brand/contacts/{confirmed.pk}/merge/{left.pk}/"
    page = " ".join(owner_client.get(url).content.decode().split())
    after = page.split('data-label="Afterwards"')[1].split("</td>")[0]
    assert "Subscribed" in after
