"""Who is in a segment today is kept as a segment that does not change: by a job, with undo."""

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Contact, ContactTag, Job, List, Subscription, Tag
from contacts.queries import people as people_query
from contacts.queries import segments, segmentsizes
from contacts.segmentmodels import Segment
from contacts.services import jobs, segmentcounts, segmentkeeping
from contacts.services import segments as service
from tests.contacts.segments.scene import NAMED, group, make_named, make_segment, matching, when

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


@pytest.fixture
def half(workspace: Workspace, one: Segment, owner: User) -> Segment:
    """A kept one that a person stopped after two of three contacts."""
    job = segmentkeeping.keep(one, by=owner)
    assert jobs.run(job.pk, size=2, seconds=0)
    assert jobs.cancel(job)
    return Segment.objects.get(name=name_of_today())


def get(client: Client, name: str, *pk: int, **query: str | int) -> str:
    answer = client.get(reverse(name, args=["brand", *pk]), query)
    return " ".join(answer.content.decode().split())


def test_one_that_was_stopped_is_incomplete_and_goes_on(
    workspace: Workspace, half: Segment, owner_client: Client
) -> None:
    segmentcounts.tick()
    assert people(workspace, half) == set()
    assert segmentsizes.unusable(workspace.pk) == {half.pk: "incomplete: 2 of 3"}
    with pytest.raises(segments.UnusableError) as raised:
        segments.usable(half)
    assert raised.value.incomplete == "incomplete: 2 of 3"
    job = Job.objects.get()
    page = get(owner_client, "segment", half.pk)
    assert "Incomplete: 2 of 3" in page
    assert reverse("go_on_with_job", args=["brand", job.pk]) in page
    assert "keep-segment" not in page
    assert "Incomplete: 2 of 3" in get(owner_client, "segment_count", half.pk)
    assert "is incomplete: 2 of 3." in get(owner_client, "contacts", segment=half.pk)
    owner_client.post(reverse("go_on_with_job", args=["brand", job.pk]))
    finish(Job.objects.get())
    assert people(workspace, half) == {"ann", "bo", "cy"}
    assert "ncomplete" not in get(owner_client, "segment", half.pk)
    # It is counted on the same day.
    segmentcounts.tick()
    half.refresh_from_db()
    assert half.size == 3


def test_one_that_still_runs_or_failed_is_incomplete(
    workspace: Workspace, one: Segment, owner_client: Client, owner: User
) -> None:
    job = segmentkeeping.keep(one, by=owner)
    kept = Segment.objects.get(name=name_of_today())
    assert segmentsizes.unusable(workspace.pk) == {kept.pk: "incomplete: nobody so far"}
    assert "It is being filled" in get(owner_client, "segment", kept.pk)
    Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED, total=4021)
    assert segmentsizes.unusable(workspace.pk) == {kept.pk: "incomplete: 0 of 4,021"}
    assert "Go on" in get(owner_client, "segment", kept.pk)


def test_one_that_was_undone_can_only_be_deleted(
    workspace: Workspace, one: Segment, owner_client: Client, owner: User
) -> None:
    job = finish(segmentkeeping.keep(one, by=owner))
    kept = Segment.objects.get(name=name_of_today())
    assert segmentsizes.unusable(workspace.pk) == {}
    jobs.undo(job, by=owner)
    assert "undone" in segmentsizes.unusable(workspace.pk)[kept.pk]
    page = get(owner_client, "segment", kept.pk)
    assert "Delete it." in page
    assert "Go on" not in page
    owner_client.post(reverse("delete_segment", args=["brand", kept.pk]))
    assert not Segment.objects.filter(pk=kept.pk).exists()


def test_no_rule_can_use_an_incomplete_one(
    workspace: Workspace, half: Segment, owner_client: Client
) -> None:
    form = {"name": "New", "match_r": "all", "about_r_0": "segment", "operator_r_0": "not_in"}
    form |= {"subject_r_0": str(half.pk), "label_r_0": half.name, "do": "save", "version": "0"}
    said = owner_client.post(reverse("new_segment", args=["brand"]), form).content.decode()
    assert "is incomplete: 2 of 3. Until it is complete, no rule can use it." in said
    above = service.create(
        workspace, name="Above", rule=group("all", when("segment", str(half.pk), "not_in"))
    )
    assert segmentsizes.unusable(workspace.pk)[above.pk] == "incomplete: 2 of 3"
    assert "Incomplete: 2 of 3" in get(owner_client, "segment_count", above.pk)
    with pytest.raises(segments.UnusableError) as raised:
        segments.usable(above)
    assert raised.value.incomplete == "incomplete: 2 of 3"


def test_keeping_changes_no_segment_about_any_tag(
    workspace: Workspace, one: Segment, owner_client: Client, owner: User
) -> None:
    fair = Tag.objects.create(workspace=workspace, name="Fair", key="fair")
    ann = Contact.objects.get(email="ann@x.example")
    ContactTag.objects.create(tag=fair, contact=ann)
    rules = [when("tag", "any", *how) for how in (("has",), ("has_not",), ("got_last_days", 7))]

    def found() -> list[set[str]]:
        now = timezone.now()
        filters = [
            {person.email for person in people_query.filtered(workspace, QueryDict(f"tag={word}"))}
            for word in ("any", "none")
        ]
        return [*(matching(workspace, rule, at=now) for rule in rules), *filters]

    before = found()
    assert before[0] == {"ann"}
    finish(segmentkeeping.keep(one, by=owner))
    assert found() == before
    # They are shown as what they are.
    assert "Kept people of a segment" in get(owner_client, "tags")
    kept = Tag.objects.get(keeps=True)
    apart = f'<optgroup label="Kept people of segments"> <option value="{kept.pk}"'
    assert apart in get(owner_client, "contacts")
    assert get(owner_client, "tag_names", tag_name="named") == ""
    merge = reverse("merge_tag", args=["brand", fair.pk])
    said = owner_client.post(merge, {"tag_name": name_of_today()}, follow=True).content.decode()
    assert "this one keeps the people of a segment as they were" in said
    assert Tag.objects.count() == 2
