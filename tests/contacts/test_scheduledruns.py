"""Workers of imports from an address that die, are slow, or meet each other."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from contacts import tasks
from contacts.models import Import, ImportChunk
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import (
    scheduleddoubts,
    scheduledfetch,
    scheduledimports,
    scheduledjudging,
    scheduledruns,
)
from tests.contacts.fileservers import FileServer, reply
from tests.contacts.scheduledscene import MORE, State, again, codes, work

pytestmark = pytest.mark.django_db


def test_a_killed_worker_begins_anew(
    schedule: ScheduledImport, server: FileServer, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = schedule.runs.get()

    def killed(*_given: object, **_options: object) -> int:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(scheduledruns, "move", killed)
        with pytest.raises(SystemExit):
            scheduledfetch.fetch_next()
    half = Import.objects.get()
    assert half.state == Import.State.UPLOADING
    assert scheduledfetch.fetch_next() is None  # the lease of the dead worker
    assert scheduledimports.without_worker(State.FETCHING) == []
    ScheduledRun.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert scheduledimports.without_worker(State.FETCHING) == [run.pk]
    assert codes(work(schedule)) == ["first"]
    assert Import.objects.get().pk != half.pk


def test_a_worker_that_dies_before_the_start_imports_once(
    confirmed: ScheduledImport, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.say(reply(MORE))

    def killed(*_given: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(scheduledjudging, "_remember", killed)
        with pytest.raises(SystemExit):
            again(confirmed)
    run = confirmed.runs.latest("pk")
    assert run.of_import
    assert (run.state, run.of_import.state) == (State.JUDGING, Import.State.READY)
    ScheduledRun.objects.update(leased_until=None)
    tasks.judge_scheduled(run.pk)
    tasks.judge_scheduled(run.pk)
    run.refresh_from_db()
    assert run.state == State.STARTED
    assert Import.objects.filter(started_at__isnull=False).count() == 2


def test_two_workers_do_not_import_twice(
    confirmed: ScheduledImport, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one was slow, and lost its lease to the second."""
    server.say(reply(MORE))
    ScheduledImport.objects.update(next_at=timezone.now())
    scheduledimports.start_due()
    run = confirmed.runs.latest("pk")
    store = scheduledfetch._store

    def slow(*given: Any) -> int:
        monkeypatch.setattr(scheduledfetch, "_store", store)
        ScheduledRun.objects.update(leased_until=None)
        assert scheduledfetch.fetch_next() == run.pk
        return store(*given)

    monkeypatch.setattr(scheduledfetch, "_store", slow)
    assert scheduledfetch.fetch_next() is None
    assert Import.objects.filter(state=Import.State.UPLOADING).count() == 1
    tasks.judge_scheduled(run.pk)
    assert Import.objects.filter(started_at__isnull=False).count() == 2


def test_two_ticks_start_one_run(confirmed: ScheduledImport, told: list[Any]) -> None:
    ScheduledImport.objects.update(next_at=timezone.now())
    tasks.start_scheduled()
    tasks.start_scheduled()
    ScheduledImport.objects.update(next_at=timezone.now())
    tasks.start_scheduled()
    assert confirmed.runs.filter(state=State.FETCHING).count() == 1
    assert confirmed.runs.count() == 2
    run = confirmed.runs.latest("pk")
    # Nobody has it yet, so each tick says so.
    assert told.count(("fetch_scheduled", run.pk)) == 3


def test_a_cancelled_run_stops_its_worker(
    schedule: ScheduledImport, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = scheduledfetch._store

    def cancelled(*given: Any) -> int:
        assert scheduledimports.cancel_run(schedule, by=owner)
        assert not scheduledimports.cancel_run(schedule, by=owner)
        return store(*given)

    monkeypatch.setattr(scheduledfetch, "_store", cancelled)
    assert scheduledfetch.fetch_next() is None
    run = schedule.runs.get()
    assert (run.state, codes(run), run.leased_until) == (State.FAILED, ["cancelled"], None)
    assert not Import.objects.exists()
    schedule.refresh_from_db()
    assert schedule.failures == 0
    assert not scheduledimports.failing(schedule.workspace).exists()


def test_a_run_is_cancelled_while_its_file_is_judged(
    confirmed: ScheduledImport, server: FileServer, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.say(reply(MORE))
    find = scheduleddoubts.find

    def cancelled(*given: Any) -> Any:
        assert scheduledimports.cancel_run(confirmed, by=owner)
        return find(*given)

    monkeypatch.setattr(scheduleddoubts, "find", cancelled)
    assert codes(again(confirmed)) == ["cancelled"]
    assert Import.objects.count() == 1


def test_old_runs_are_forgotten(
    confirmed: ScheduledImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not the last ones, those that wait, and those with an import that stands."""
    monkeypatch.setattr(scheduledruns, "KEPT", 3)
    ago = timezone.now() - timedelta(days=400)
    waiting = Import.objects.create(workspace=confirmed.workspace, state=Import.State.READY)
    dismissed = Import.objects.create(workspace=confirmed.workspace, state=Import.State.CANCELLED)
    made = [
        ScheduledRun.objects.create(schedule=confirmed, ended_at=ended, state=state, of_import=file)
        for ended, state, file in (
            (ago, State.WAITING, waiting),
            (ago, State.WAITING, dismissed),
            (ago, State.UNCHANGED, None),
            (timezone.now(), State.FAILED, None),
            *[(ago, State.FAILED, None)] * 3,
        )
    ]
    confirmed.runs.filter(state=State.STARTED).update(ended_at=ago)
    assert scheduledruns.drop_old() == 2
    kept = set(confirmed.runs.values_list("pk", flat=True))
    assert kept == {confirmed.runs.get(state=State.STARTED).pk} | {
        made[number].pk for number in (0, 3, 4, 5, 6)
    }
    assert scheduledruns.drop_old() == 0
    Import.objects.update(undone_at=timezone.now())
    assert scheduledruns.drop_old() == 1


def test_a_deleted_schedule_stops_its_worker(
    schedule: ScheduledImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = scheduledfetch._store

    def deleted(*given: Any) -> int:
        scheduledimports.delete(schedule)
        return store(*given)

    monkeypatch.setattr(scheduledfetch, "_store", deleted)
    assert scheduledfetch.fetch_next() is None
    assert not ScheduledImport.objects.exists()
    assert not ImportChunk.objects.exists()


def test_a_deleted_workspace_is_left_alone(confirmed: ScheduledImport) -> None:
    Workspace.objects.update(deleted_at=timezone.now())
    ScheduledImport.objects.update(next_at=timezone.now())
    assert scheduledimports.start_due() == 0


def test_paused_and_active_again(confirmed: ScheduledImport) -> None:
    assert scheduledimports.pause(confirmed, paused=True)
    assert not scheduledimports.pause(confirmed, paused=True)
    confirmed.refresh_from_db()
    assert (confirmed.state, confirmed.next_at) == ("paused", None)
    assert scheduledimports.pause(confirmed, paused=False)
    confirmed.refresh_from_db()
    assert confirmed.next_at
