"""A mail that was sent to a person on two lists."""

import pytest

from accounts.models import Workspace
from contacts.models import Contact, List, Subscription
from contacts.provenance import Source
from designs.services import compile_parts
from sending.models import Message
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
        content=factories.make_content(workspace, **parts),
        lists=[lists[0].pk, lists[1].pk],
        tally={"targeted": 1, "accepted": 1, "with_pixel": 1},
    )
    return Message.objects.create(
        mailing=mailing,
        contact_id=contact.pk,
        address=contact.email,
        state=Message.State.ACCEPTED,
        counts_opens=True,
    )
