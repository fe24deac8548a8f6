"""A clock that tests step, and relays and mailings to pace."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Workspace
from contacts.provenance import Source
from designs.models import Content
from relays.models import Relay
from relays.queries import clock
from sending.models import Mailing, MailingLane
from tests import factories

# A Wednesday.
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class Clock:
    """Stands in for PostgreSQL's, which all modules ask through relays.queries.clock."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def step(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def stepped(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The shared clock, which stands still until it is stepped."""
    stepped = Clock()
    monkeypatch.setattr(clock, "now", stepped.now)
    return stepped


@pytest.fixture
def make_relay(workspace: Workspace) -> Callable[..., Relay]:
    def make(**values: Any) -> Relay:
        host = f"smtp{Relay.objects.count()}.example"
        return factories.make_relay(workspace, **({"host": host} | values))

    return make


@pytest.fixture
def make_mailing(workspace: Workspace) -> Callable[..., Mailing]:
    """A mailing with `left` messages that nobody claimed yet in each of `lanes`, through the newest
    relay unless another or a pool is given. It has no message rows: pace asks for none."""

    def make(*, left: int = 1000, lanes: tuple[int, ...] = (0,), **values: Any) -> Mailing:
        content = Content.objects.create(
            workspace=workspace, subject="Hello", html="<p>Hello</p>", text="Hello"
        )
        known: dict[str, Any] = {
            "source": Source("campaign", Mailing.objects.count()),
            "from_email": "news@brand.example",
            "retry_for": timedelta(days=2),
        }
        if not values.get("pool"):
            known["relay"] = Relay.objects.order_by("pk").last()
        mailing = factories.make_mailing(workspace, content=content, **(known | values))
        first = 1_000_000 * mailing.pk
        MailingLane.objects.bulk_create(
            MailingLane(
                mailing=mailing,
                lane=lane,
                first_id=first + 10_000 * lane,
                next_id=first + 10_000 * lane,
                last_id=first + 10_000 * lane + left - 1,
                targeted=left,
            )
            for lane in lanes
        )
        return mailing

    return make
