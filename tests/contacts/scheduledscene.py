"""An import from an address, with its server; and its next runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from contacts import tasks
from contacts.models import Import, List
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import (
    importrun,
    scheduledimports,
    scheduledjudging,
)
from tests.contacts import fileservers
from tests.contacts.fileservers import LOOPBACK, PEOPLE, FileServer, reply
from tests.mailservers.smtp import Authority, server_context

State = ScheduledRun.State
HEAD = b"email,name\n"
MORE = PEOPLE + b"e@x.example,Eve\n"


@pytest.fixture
def server(authority: Authority, tmp_path: Path, settings: Any) -> Iterator[FileServer]:
    settings.FETCH_NETWORKS = LOOPBACK
    with fileservers.serving(server_context(tmp_path, authority=authority)) as server:
        server.say(reply())
        yield server


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The tasks that workers were told of; there is no broker."""
    found: list[tuple[str, int]] = []
    for name in ("fetch_scheduled", "judge_scheduled", "run_import"):

        def tell(number: int, name: str = name) -> None:
            found.append((name, number))

        monkeypatch.setattr(getattr(tasks, name), "delay", tell)
    return found


@pytest.fixture
def schedule(workspace: Workspace, owner: User, server: FileServer) -> ScheduledImport:
    return scheduledimports.create(
        workspace,
        by=owner,
        enqueue=lambda _number: None,
        name="Shop",
        url=server.url(),
        login="none",
        username="",
        secret="",
        every="day",
        at=datetime(2026, 1, 1, 5, tzinfo=UTC).time(),
        weekday=0,
    )


@pytest.fixture
def confirmed(schedule: ScheduledImport, told: list[Any]) -> ScheduledImport:
    """A person has confirmed the first file, into a list."""
    run = work(schedule)
    target = List.objects.create(workspace=schedule.workspace, name="Newsletter")
    assert run.of_import
    Import.objects.filter(pk=run.of_import.pk).update(list=target, consent="explicit")
    import_ = Import.objects.get(pk=run.of_import.pk)
    scheduledjudging.start(import_, enqueue=tasks.run_import.delay, checked=None, scope="")
    importrun.run(import_.pk)
    schedule.refresh_from_db()
    return schedule


def work(schedule: ScheduledImport) -> ScheduledRun:
    """The run that waits for a worker is done; the last run."""
    run = schedule.runs.latest("pk")
    tasks.fetch_scheduled(run.pk)
    tasks.judge_scheduled(run.pk)
    run.refresh_from_db()
    if run.of_import:
        importrun.run(run.of_import.pk)
    return schedule.runs.latest("pk")


def again(schedule: ScheduledImport) -> ScheduledRun:
    """The next scheduled run."""
    ScheduledImport.objects.filter(pk=schedule.pk).update(next_at=timezone.now())
    assert scheduledimports.start_due() == 1
    return work(schedule)


def codes(run: ScheduledRun) -> list[str]:
    return [code for code, _words in run.reasons]
