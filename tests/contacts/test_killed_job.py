"""A worker that is killed in the middle of a job of any kind: each row is changed once."""

import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Job
from contacts.services import jobs
from tests.contacts import jobscene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nudges")]

# What a worker process does; it says each commit and then waits to be killed.
WORKER = """
import sys, time, django
django.setup()
from contacts.services import jobs

def progress(held):
    print(held.done, flush=True)
    if held.done >= int(sys.argv[2]):
        with_uncommitted(held)

def with_uncommitted(held):
    # In the middle of the next batch: its rows are changed, nothing is committed.
    from django.db import transaction
    from contacts import jobkinds
    with transaction.atomic():
        jobkinds.of(held).step(held, 7)
        print("ready", flush=True)
        time.sleep(60)

jobs.run(int(sys.argv[1]), size=7, seconds=600, progress=progress)
"""


def kill_in_the_middle(job: Job, rows: int) -> None:
    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(job.pk), str(rows)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert "ready" in (line.strip() for line in process.stdout)
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("kind", jobscene.KINDS)
def test_each_row_is_changed_once(kind: str, workspace: Workspace, owner: User) -> None:
    begin, check = jobscene.KINDS[kind]
    scene = jobscene.make(workspace, owner)
    job = begin(scene)
    assert (job.kind, jobs.due()) == (kind, [job.pk])
    kill_in_the_middle(job, 14)
    job.refresh_from_db()
    assert (job.state, job.done) == (Job.State.RUNNING, 14)
    assert jobs.claim(job.pk) is None  # its lease still holds
    assert jobs.due() == []
    Job.objects.filter(pk=job.pk).update(leased_until=timezone.now())
    assert jobs.due() == [job.pk]
    jobscene.finish(job)
    assert job.state == Job.State.FINISHED, job.error
    assert job.done == job.total
    check(scene, job)
