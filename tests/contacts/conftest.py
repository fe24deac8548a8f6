from collections.abc import Callable

import pytest

from accounts.models import Workspace
from contacts import tasks
from contacts.audience import Audience
from contacts.provenance import Source
from designs.models import Content
from sending.models import Mailing
from sending.services.mailings import open_mailing
from tests import factories
from tests.contacts.scheduledscene import confirmed, schedule, server, told

__all__ = ["confirmed", "schedule", "server", "told"]


@pytest.fixture
def nudges(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs that workers were told of; there is no broker in these tests."""
    told: list[int] = []
    monkeypatch.setattr(tasks.run_job, "delay", told.append)
    return told


@pytest.fixture
def open_for(workspace: Workspace) -> Callable[[Audience], Mailing]:
    """Opens a mailing for an audience. Nobody sends it."""

    def make(asked: Audience) -> Mailing:
        return open_mailing(
            workspace=workspace,
            source=Source("campaign", 7),
            content=Content.objects.create(workspace=workspace, subject="Hi", text="Hi"),
            from_name="Brand",
            from_email="news@brand.example",
            audience=asked,
            relay=factories.make_relay(workspace),
        )

    return make
