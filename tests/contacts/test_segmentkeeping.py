"""Who is in a segment today is kept as a segment that does not change: by a job, with undo."""

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Contact, ContactTag, Job, List, Subscription, Tag
from contacts.queries import people as people_query
from contacts.segmentmodels import Segment
from contacts.services import jobs, segmentkeeping
from contacts.services import segments as service
from tests.contacts.segments.scene import NAMED, group, make_named, make_segment, when

pytestmark = pytest.mark.django_db


@pytest.fixture
def one(workspace: Workspace) -> Segment:
    return make_named(workspace, "Named, VIPs")


def name_of_today() -> str:
    return f"Named VIPs {timezone.localdate().isoformat()}"


def people(workspace: Workspace, segment: Segment) -> set[str]:
    found = people_query.filtered(workspace, QueryDict(f"segment={segment.pk}"))
    return {person.email.split("@")[0] for person in found}


def finish(job: Job, size: int = 2) -> Job:
    while jobs.run(job.pk, size=size):
        pass
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED, job.error
    return job


def test_the_page_keeps_who_is_in_it(
    workspace: Workspace, one: Segment, owner_client: Client
) -> None:
    page = owner_client.get(reverse("segment", args=["brand", one.pk])).content.decode()
    assert f"“{name_of_today()}”" in page
    answer = owner_client.post(reverse("keep_segment", args=["brand", one.pk]))
    job = Job.objects.get()
    assert answer["Location"] == reverse("job", args=["brand", job.pk])
    # Again: it is under way.
    owner_client.post(reverse("keep_segment", args=["brand", one.pk]))
    assert Job.objects.count() == 1
    # What changes the rule meanwhile changes nothing for it.
    service.change(one, name=one.name, rule=group("none", NAMED), version=1)
    finish(job)
    kept = Segment.objects.get(name=name_of_today())
    assert people(workspace, kept) == {"ann", "bo", "cy"}
    # Later changes neither.
    Contact.objects.filter(email="ann@x.example").update(first_name="")
    assert people(workspace, kept) == {"ann", "bo", "cy"}
    assert not Subscription.objects.exists()
    shown = owner_client.get(reverse("job", args=["brand", job.pk])).content.decode()
    assert reverse("segment", args=["brand", kept.pk]) in shown
    assert f"3 contacts got the tag “{name_of_today()}”" in shown


def test_it_is_undone(workspace: Workspace, one: Segment, owner: User) -> None:
    job = finish(segmentkeeping.keep(one, by=owner))
    undoing = jobs.undo(job, by=owner)
    assert undoing is not None
    finish(undoing)
    assert not ContactTag.objects.exists()
    assert Contact.objects.count() == 4


def test_names_of_one_day(workspace: Workspace, one: Segment, owner: User) -> None:
    finish(segmentkeeping.keep(one, by=owner))
    finish(segmentkeeping.keep(one, by=owner))
    names = [name_of_today(), f"{name_of_today()} (2)"]
    assert list(Tag.objects.order_by("pk").values_list("name", flat=True)) == names
    long = make_segment(workspace, NAMED, name="x" * 100)
    assert len(segmentkeeping.name_for(long)) == 100
    # No tag of a person is taken for it.
    Tag.objects.create(workspace=workspace, name="a", key=f"{'x' * 89} {timezone.localdate()}")
    assert segmentkeeping.name_for(long).endswith(" (2)")


def test_a_broken_one_is_not_kept(workspace: Workspace, owner_client: Client) -> None:
    gone = List.objects.create(workspace=workspace, name="Gone")
    one = make_segment(workspace, when("list", str(gone.pk), "never"))
    gone.delete()
    url = reverse("keep_segment", args=["brand", one.pk])
    page = owner_client.post(url, follow=True).content.decode()
    assert "names something that no longer exists" in page
    assert "keep-segment" not in page
    assert not Job.objects.exists()
    assert not Tag.objects.exists()


def test_a_deleted_tag_ends_it(workspace: Workspace, one: Segment, owner: User) -> None:
    job = segmentkeeping.keep(one, by=owner)
    Tag.objects.all().delete()
    assert finish(job).counts.get("changed", 0) == 0
