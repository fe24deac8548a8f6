from collections.abc import Callable, Sequence

import pytest

from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from contacts.audience import Audience
from contacts.models import List
from contacts.provenance import Source
from designs.models import Design
from designs.services import freeze
from relays.models import Relay
from sending.models import Batch, Mailing, Message, Tally
from sending.services.mailings import open_mailing
from tests import factories
from tests.mailservers.sink import Sink

HTML = (
    "<html><body><p>Dear {{ first_name|default('reader') }},</p>"
    '<a href="https://brand.example/{{ city|urlencode }}">look</a> '
    '<a href="{{ unsubscribe_url }}">unsubscribe</a></body></html>'
)


@pytest.fixture
def relay(workspace: Workspace, sink: Sink) -> Relay:
    return factories.make_relay(
        workspace,
        name="Sink",
        port=sink.port,
        connections=4,
        bounce_address=factories.BOUNCE_ADDRESS,
    )


@pytest.fixture
def design(workspace: Workspace) -> Design:
    return factories.make_design(workspace, html=HTML)


@pytest.fixture
def open_to(workspace: Workspace, relay: Relay, design: Design, make_list: Callable[..., List]):  # type: ignore[no-untyped-def]
    """Opens a mailing to the addresses."""

    def make(addresses: list[str], *, lists_out: Sequence[int] = (), **options: object) -> Mailing:
        target = make_list(addresses, name=f"List {List.objects.count()}")
        content = freeze(design, subject="Hello {{ first_name }} 你好")
        values = {
            "relay": relay,
            "audience": Audience.of_lists(workspace.pk, [target.pk], lists_out),
            "open_counting": OpenCounting.EVERYBODY,
        } | options
        return open_mailing(
            workspace=workspace,
            source=Source("campaign", 7),
            content=content,
            from_name="Brand",
            from_email="news@brand.example",
            **values,  # type: ignore[arg-type]
        )

    return make


def assert_closes(mailing: Mailing) -> Tally:
    """The tally agrees with the rows, and the rows with what was targeted."""
    tally = Tally.objects.get(mailing=mailing)
    rows = Message.objects.filter(mailing=mailing)
    claimed = sum(
        len(batch.ids) for batch in Batch.objects.filter(mailing=mailing).exclude(holder="")
    )
    counted = {state.name.lower(): rows.filter(state=state).count() for state in Message.State} | {
        "in_flight": claimed
    }
    counted["waiting"] -= claimed
    assert {name: getattr(tally, name) for name in counted} == counted
    assert sum(counted.values()) == tally.targeted == rows.count()
    assert tally.with_pixel == rows.filter(state=Message.State.ACCEPTED, counts_opens=True).count()
    unexplained = rows.exclude(state__in=[Message.State.ACCEPTED, Message.State.WAITING])
    assert not unexplained.filter(reason="").exists()
    return tally
