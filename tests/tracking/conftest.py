"""A mail that was sent to a person on two lists."""

from datetime import timedelta

import pytest

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription
from contacts.provenance import Source
from designs.models import Content
from designs.services import compile_parts
from relays.models import Relay
from sending.models import Message, Tally
from tests import factories

HTML = (
    "<html><body><p>Hello {{ first_name }}</p>"
    '<a href="https://shop.example/?a=1&amp;b=2">shop</a>'
    '<a href="https://{{ city }}.example/{{ first_name|urlencode }}">city</a>'
    '<a href="{{ site }}">site</a>'
    '<a href="{{ unsubscribe_url }}">leave</a></body></html>'
)


@pytest.fixture
def lists(workspace: Workspace) -> list[List]:
    names = ("News", "Offers", "Other")
    return [List.objects.create(workspace=workspace, name=name) for name in names]


@pytest.fixture
def contact(workspace: Workspace, lists: list[List]) -> Contact:
    contact = Contact.objects.create(
        workspace=workspace,
        email="lan@example.com",
        first_name="Lan <b>",
        attributes={"city": "beijing", "site": "javascript:alert(1)"},
    )
    for target in lists:
        Subscription.objects.create(list=target, contact=contact, **Source("import", 1).columns)
    return contact


@pytest.fixture
def message(workspace: Workspace, contact: Contact, lists: list[List]) -> Message:
    parts = compile_parts(
        subject="Hi {{ first_name }}", preheader="pre", html=HTML, text="", track_clicks=True
    )
    mailing = factories.make_mailing(
        workspace,
        source=Source("campaign", 7),
        content=Content.objects.create(workspace=workspace, **parts),
        from_email="news@brand.example",
        relay=Relay.objects.create(workspace=workspace, name="R", host="127.0.0.1"),
        audience=Audience.of_lists(workspace.pk, [lists[0].pk, lists[1].pk]).as_json(),
        retry_for=timedelta(days=1),
    )
    Tally.objects.create(mailing=mailing, targeted=1, accepted=1)
    return Message.objects.create(
        mailing=mailing,
        contact_id=contact.pk,
        address=contact.email,
        state=Message.State.ACCEPTED,
    )
