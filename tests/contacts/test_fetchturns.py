"""Turns among workspaces at the few places for fetching."""

from collections.abc import Callable
from datetime import time

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import fetchturns

pytestmark = pytest.mark.django_db

Ask = Callable[[Workspace], ScheduledRun]


@pytest.fixture
def ask() -> Ask:
    """One more run of a workspace that waits for a worker."""

    def make(workspace: Workspace) -> ScheduledRun:
        schedule = ScheduledImport.objects.create(
            workspace=workspace,
            name=f"{ScheduledImport.objects.count()}",
            url="https://shop.example.com/a.csv",
            every="day",
            at=time(5),
        )
        return ScheduledRun.objects.create(schedule=schedule)

    return make


def end(run: ScheduledRun) -> None:
    ScheduledRun.objects.filter(pk=run.pk).update(state="failed", leased_until=None)


@pytest.fixture
def others() -> list[Workspace]:
    return [Workspace.objects.create(name=name, slug=name) for name in ("second", "third")]


def test_a_workspace_has_one_place(workspace: Workspace, others: list[Workspace], ask: Ask) -> None:
    slow, waits, other = ask(workspace), ask(workspace), ask(others[0])
    assert fetchturns.claim() == slow
    assert fetchturns.claim() == other
    end(other)
    assert fetchturns.claim() is None  # only the workspace waits that has a place
    end(slow)
    assert fetchturns.claim() == waits


def test_two_places_in_all(workspace: Workspace, others: list[Workspace], ask: Ask) -> None:
    runs = [ask(one) for one in (workspace, *others)]
    assert [fetchturns.claim() for _run in runs] == [*runs[:2], None]
    assert fetchturns.held().count() == 2


def test_workspaces_take_turns(workspace: Workspace, others: list[Workspace], ask: Ask) -> None:
    first, second = ask(workspace), ask(workspace)
    busy = ask(others[0])
    assert (fetchturns.claim(), fetchturns.claim()) == (first, busy)
    late = ask(others[1])
    end(first)
    assert fetchturns.claim() == late
    end(late)
    assert fetchturns.claim() == second


def test_a_deleted_workspace_has_no_turn(workspace: Workspace, ask: Ask) -> None:
    ask(workspace)
    Workspace.objects.update(deleted_at=timezone.now())
    assert fetchturns.claim() is None
