"""A worker that is killed in the middle of a job of any kind: each row is changed once."""

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Job
from contacts.services import jobs
from tests.contacts import jobscene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nudges")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", jobscene.KINDS)
def test_each_row_is_changed_once(kind: str, workspace: Workspace, owner: User) -> None:
    begin, check = jobscene.KINDS[kind]
    scene = jobscene.make(workspace, owner)
    job = begin(scene)
    assert (job.kind, jobs.due()) == (kind, [job.pk])
    jobscene.kill_in_the_middle(job, 14)
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
