from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.opencounting import OpenCounting
from campaigns.models import Campaign
from campaigns.services import drafts, starting
from contacts.models import List
from designs.models import Design
from relays.models import Relay
from sending.engine import shift
from sending.services import dispatch
from tests import factories
from tests.mailservers.sink import Sink

HTML = (
    "<html><body><p>Dear {{ first_name|default('reader') }},</p>"
    '<a href="https://brand.example/spring">look</a> '
    '<a href="{{ unsubscribe_url }}">unsubscribe</a></body></html>'
)


@pytest.fixture
def relay(workspace: Workspace) -> Relay:
    return factories.make_relay(workspace, name="Post", port=1, tested_at=timezone.now())


@pytest.fixture
def design(workspace: Workspace) -> Design:
    return factories.make_design(workspace, subject="Spring 春季", preheader="New", html=HTML)


@pytest.fixture
def make_list(workspace: Workspace) -> Callable[..., List]:
    """A list with these addresses; a person who is known already is put on it too."""

    def make(*addresses: str, name: str = "Newsletter") -> List:
        return factories.make_list(workspace, addresses, name, first_name="")

    return make


@pytest.fixture
def make_campaign(
    workspace: Workspace, relay: Relay, design: Design, make_list: Callable[..., List]
) -> Callable[..., Campaign]:
    """A draft that could be sent, changed by `changes`."""

    def make(name: str = "Spring sale", by: User | None = None, **changes: object) -> Campaign:
        draft = drafts.create(workspace, name=name, by=by)
        if "lists_in" not in changes:
            number = List.objects.count()
            changes["lists_in"] = [
                make_list(f"a{number}@x.example", f"b{number}@x.example", name=f"List {number}")
            ]
        values = {
            "subject": "Hello {{ first_name|default('you') }}",
            "design": design,
            "open_counting": OpenCounting.EVERYBODY,
            **changes,
        }
        return drafts.save(draft, values, version=draft.version)

    return make


# Campaigns that go out ---------------------------------------------------------------------------


@pytest.fixture
def start(
    make_campaign: Callable[..., Campaign], make_list: Callable[..., List], relay: Relay, sink: Sink
) -> Callable[..., Campaign]:
    """A campaign to these addresses, started; its relay is the sink. Nothing is sent yet."""

    def make(*addresses: str, name: str = "Spring sale", **changes: object) -> Campaign:
        Relay.objects.filter(pk=relay.pk).update(
            port=sink.port, bounce_address="bounces@brand.example"
        )
        people = make_list(*addresses, name=f"To {List.objects.count()}")
        campaign = make_campaign(name, **{"lists_in": [people], **changes})
        starting.start_now(campaign)
        assert starting.start_due() == [campaign.pk]
        campaign.refresh_from_db()
        return campaign

    return make


@pytest.fixture
def send() -> Callable[[], None]:
    """Sends everything that is due, as beat and workers would."""

    def work() -> None:
        while dispatch.relays_to_run():
            # Nothing else comes: a short wait for more is enough.
            shift.run_all(linger=0.2)
        dispatch.tend_mailings()

    return work
