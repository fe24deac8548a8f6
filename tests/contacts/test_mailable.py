"""May this address be mailed? Whoever asks gets the same answer, whatever is suppressed."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import Source
from contacts.queries import audience, consent, mailable, people
from designs.models import Content
from relays.models import Relay
from sending.models import Mailing, Message
from sending.queries.claim import left_since
from sending.views.designtest import DesignTestForm
from tests import factories

pytestmark = pytest.mark.django_db

EMAIL = "lee@mail.brand.example"
# What may stand in the table about the address: (kind, value, lifted, another workspace's).
ROWS = {
    "address": ("address", EMAIL, False, False),
    "domain": ("domain", "mail.brand.example", False, False),
    "address lifted": ("address", EMAIL, True, False),
    "domain lifted": ("domain", "mail.brand.example", True, False),
    "parent domain": ("domain", "brand.example", False, False),
    "another address": ("address", "lee@brand.example", False, False),
    "another workspace's address": ("address", EMAIL, False, True),
    "another workspace's domain": ("domain", "mail.brand.example", False, True),
}
STATES = [names for size in (0, 1, 2) for names in product(ROWS, repeat=size)]


@pytest.fixture
def lee(workspace: Workspace) -> Contact:
    person = Contact.objects.create(workspace=workspace, email=EMAIL)
    news = List.objects.create(workspace=workspace, name="News")
    Subscription.objects.create(list=news, contact=person)
    return person


@pytest.fixture
def message(workspace: Workspace, lee: Contact) -> Message:
    mailing = factories.make_mailing(
        workspace,
        source=Source("campaign", 7),
        content=Content.objects.create(workspace=workspace, subject="Hi", text="Hi"),
        from_email="news@brand.example",
        relay=Relay.objects.create(workspace=workspace, name="R", host="127.0.0.1"),
        audience=Audience.of_lists(workspace.pk, [lee.subscriptions.get().list_id]).as_json(),
        retry_for=timedelta(days=1),
    )
    return Message.objects.create(mailing=mailing, contact_id=lee.pk, address=EMAIL)


def stops(names: tuple[str, ...]) -> bool:
    return bool({"address", "domain"} & set(names))


def readers(lee: Contact, message: Message) -> Iterator[tuple[str, bool]]:
    """(who answers, whether it says that the address gets no mail)"""
    workspace = lee.workspace
    asked = Audience.of_lists(workspace.pk, [lee.subscriptions.get().list_id])
    yield "count", audience.count(asked)["recipients"] == 0
    yield "anybody", not audience.anybody(asked)
    yield "claim", bool(left_since(message.mailing, [message.pk]))
    [exported] = consent.people(Contact.objects.filter(pk=lee.pk))
    yield "export", bool(exported.stops)
    shown = people.filtered(workspace, QueryDict("status=suppressed"))
    yield "filter", shown.filter(pk=lee.pk).exists()
    yield "page", mailable.stopped_among(workspace, [EMAIL]) == {EMAIL}
    yield "search", bool(people.suppressions_of(workspace, EMAIL))
    form = DesignTestForm({"addresses": EMAIL}, workspace=workspace)
    yield "test mail", "suppressed" in str(form.errors.get("addresses", ""))


@pytest.mark.parametrize("names", STATES, ids=" and ".join)
def test_all_say_the_same(
    names: tuple[str, ...], lee: Contact, message: Message, other_workspace: Workspace
) -> None:
    for kind, value, lifted, elsewhere in (ROWS[name] for name in dict.fromkeys(names)):
        Suppression.objects.create(
            workspace=other_workspace if elsewhere else lee.workspace,
            kind=kind,
            value=value,
            reason="manual",
            lifted_at=timezone.now() if lifted else None,
        )
    said = dict(readers(lee, message))
    assert said == dict.fromkeys(said, stops(names))


@pytest.mark.parametrize("reason", Suppression.Reason.values)
def test_a_purpose_may_ignore_a_reason_but_no_domain(
    reason: str, lee: Contact, message: Message
) -> None:
    asked = Audience.of_lists(lee.workspace_id, [lee.subscriptions.get().list_id])
    asked = asked.ignoring(["unsubscribed"])
    Mailing.objects.update(audience=asked.as_json())
    message.mailing.refresh_from_db()

    def mailed() -> tuple[bool, bool]:
        return audience.anybody(asked), not left_since(message.mailing, [message.pk])

    Suppression.objects.create(workspace=lee.workspace, kind="address", value=EMAIL, reason=reason)
    assert mailed() == ((True, True) if reason == "unsubscribed" else (False, False))
    Suppression.objects.create(
        workspace=lee.workspace, kind="domain", value="mail.brand.example", reason="unsubscribed"
    )
    assert mailed() == (False, False)
