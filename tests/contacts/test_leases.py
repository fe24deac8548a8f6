"""A worker keeps what it works on, however long a batch takes."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import psycopg
import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Import, Job
from contacts.services import importrun, imports, jobs, leases
from tests.contacts.test_import_race import ADD, run
from tests.contacts.test_imports import chosen, received
from tests.otherconnections import address, wait_until_one_waits

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = timedelta(seconds=0.3)


def wait_for_renewals(row: Import | Job, times: int) -> None:
    """Until the lease has got so many new ends."""
    seen: set[datetime | None] = set()
    end = time.monotonic() + 30
    while len(seen) <= times and time.monotonic() < end:
        row.refresh_from_db()
        seen.add(row.leased_until)
        time.sleep(0.02)
    assert len(seen) > times


def test_a_batch_that_takes_longer_than_a_lease_is_not_lost(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importrun, "LEASE", SHORT)
    file = chosen(received(workspace, "email\nann@y.example\nbo@y.example\n"))
    imports.start(file, enqueue=None)
    with psycopg.connect(address()) as page, ThreadPoolExecutor(1) as thread:
        page.execute(ADD, [workspace.pk])
        running = thread.submit(run, file)
        wait_until_one_waits()
        wait_for_renewals(file, 3)
        page.rollback()
        running.result(30)
    file.refresh_from_db()
    assert file.state == Import.State.FINISHED, file.error
    assert file.counts["new"] == 2
    assert file.leased_until is None


def test_a_job_keeps_its_lease(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LEASE", SHORT)
    job = Job.objects.create(workspace=workspace, kind="subscribe")

    def work(claimed: Job, **_given: object) -> bool:
        wait_for_renewals(claimed, 3)
        return True

    monkeypatch.setattr(jobs, "_work", work)
    assert jobs.run(job.pk)


def test_nothing_is_renewed_for_others_or_afterwards(workspace: Workspace) -> None:
    ours, other = (Job.objects.create(workspace=workspace, kind=kind) for kind in "ab")
    with leases.renewed(Job.objects.filter(pk=ours.pk), SHORT):
        wait_for_renewals(ours, 1)
    ended = timezone.now()
    Job.objects.filter(pk=ours.pk).update(leased_until=ended)
    with leases.renewed(Job.objects.filter(pk=other.pk), SHORT):
        wait_for_renewals(other, 1)
    ours.refresh_from_db()
    assert ours.leased_until == ended
