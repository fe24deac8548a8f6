"""The daily count of segments: sizes, who joined and left, and what is said where nobody knows."""

import datetime as dt
import re
from html import unescape
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts import tasks
from contacts.models import Contact, List
from contacts.queries import people as people_query
from contacts.queries import segmentdays, segments
from contacts.segmentmodels import Segment, SegmentDay, SegmentDayPart
from contacts.segments import rules
from contacts.services import filterwords, segmentcounts
from contacts.services import segments as service
from pages import locales
from tests.contacts.segments.scene import NAMED, group, make_named, make_segment, when
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def one(workspace: Workspace) -> Segment:
    return make_named(workspace, "Named")


def a_day_later() -> None:
    """All counts so far were a day earlier."""
    for day in SegmentDay.objects.order_by("day"):
        day.day -= dt.timedelta(days=1)
        day.since = day.since and day.since - dt.timedelta(days=1)
        day.save()


def rename(**names: str) -> None:
    for local, name in names.items():
        Contact.objects.filter(email=f"{local}@x.example").update(first_name=name)


def latest(segment: Segment) -> SegmentDay:
    return SegmentDay.objects.filter(segment=segment).latest("day")


def found(workspace: Workspace, change: str) -> set[str]:
    people = people_query.filtered(workspace, QueryDict(f"change={change}"))
    return {person.email.split("@")[0] for person in people}


def page(client: Client, segment: Segment) -> str:
    html = client.get(reverse("segment", args=["brand", segment.pk])).content.decode()
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


def test_sizes_and_who_joined_and_left(
    workspace: Workspace, one: Segment, owner_client: Client
) -> None:
    assert "counted once a day, for the first time within some minutes" in page(owner_client, one)
    tasks.count_segments()
    one.refresh_from_db()
    assert (one.size, latest(one).size, latest(one).joined) == (3, 3, None)
    assert "From the next daily count on" in page(owner_client, one)
    a_day_later()
    # Ann is deleted, bo leaves, none and dee join.
    Contact.objects.get(email="ann@x.example").delete()
    rename(bo="", none="Now")
    make_contact(workspace, "dee@x.example", first_name="Dee")
    tasks.count_segments()
    day = latest(one)
    assert (day.size, day.joined, day.left) == (3, 2, 2)
    assert day.since == day.day - dt.timedelta(days=1)
    assert found(workspace, f"joined-{day.pk}") == {"none", "dee"}
    assert found(workspace, f"left-{day.pk}") == {"bo"}
    text = page(owner_client, one)
    assert "2 joined" in text
    assert "2 left 1 of them is deleted" in text
    url = reverse("contacts", args=["brand"])
    shown = owner_client.get(url, {"change": f"left-{day.pk}"}).content.decode()
    assert "Left Named" in shown
    assert "bo@x.example" in shown
    # Only of this workspace, and only the latest count.
    earlier = SegmentDay.objects.earliest("day")
    for wrong in (f"joined-{earlier.pk}", "joined-0", "joined", "x", "left-99999999999999999999"):
        assert found(workspace, wrong) == set()
        [said] = filterwords.problems(workspace, QueryDict(f"change={wrong}"))
        assert "only kept until the next count" in said
    assert not SegmentDayPart.objects.filter(day=earlier).exists()


def test_another_workspace_sees_nobody(
    workspace: Workspace, other_workspace: Workspace, one: Segment
) -> None:
    segmentcounts.count(one.pk)
    a_day_later()
    rename(none="Now")
    segmentcounts.count(one.pk)
    assert found(workspace, f"joined-{latest(one).pk}") == {"none"}
    assert found(other_workspace, f"joined-{latest(one).pk}") == set()


def test_it_is_counted_once_a_day_of_its_workspace(workspace: Workspace, one: Segment) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(timezone="Pacific/Kiritimati")
    segmentcounts.tick()
    assert latest(one).day == timezone.localdate(timezone=ZoneInfo("Pacific/Kiritimati"))
    segmentcounts.tick()
    segmentcounts.count(one.pk)
    assert SegmentDay.objects.count() == 1
    Workspace.objects.filter(pk=workspace.pk).update(deleted_at=timezone.now())
    SegmentDay.objects.all().delete()
    segmentcounts.tick()
    assert not SegmentDay.objects.exists()


def test_a_tick_stops_after_its_time_and_begins_with_the_oldest(
    workspace: Workspace, one: Segment
) -> None:
    other = make_segment(workspace, NAMED, name="Other")
    segmentcounts.tick(seconds=0)
    assert SegmentDay.objects.get().segment == one
    segmentcounts.tick(seconds=0)
    assert latest(other).size == 3


def test_another_rule_makes_nobody_join(one: Segment, owner_client: Client) -> None:
    segmentcounts.count(one.pk)
    service.change(one, name="Named", rule=group("none", NAMED), version=1)
    assert "The rule was changed after the last count" in page(owner_client, one)
    a_day_later()
    segmentcounts.count(one.pk)
    assert (latest(one).size, latest(one).joined) == (1, None)
    a_day_later()
    rename(bo="")
    segmentcounts.count(one.pk)
    assert (latest(one).size, latest(one).joined, latest(one).left) == (2, 1, 0)


def test_a_broken_one_says_why(workspace: Workspace, owner_client: Client) -> None:
    gone = List.objects.create(workspace=workspace, name="Fair")
    one = make_segment(workspace, when("list", str(gone.pk), "never"))
    gone.delete()
    segmentcounts.tick()
    assert (latest(one).size, latest(one).problem) == (None, "broken")
    one.refresh_from_db()
    assert one.size is None
    text = page(owner_client, one)
    assert "Nothing was counted today: the rule could not be used" in text
    assert "“Fair” no longer exists" in text
    above = make_segment(workspace, NAMED, name="Above")
    Segment.objects.filter(pk=above.pk).update(
        rule=rules.as_json(group("all", when("segment", str(one.pk), "in")))
    )
    assert "A segment that the rule uses can't be used" in page(owner_client, above)
    # Mended, it is counted on the same day.
    service.change(one, name="Mended", rule=group("all", NAMED), version=1)
    segmentcounts.tick()
    assert (latest(one).size, latest(one).problem) == (0, "")


def test_a_slow_one_says_so_and_the_next_count_goes_on(one: Segment, owner_client: Client) -> None:
    segmentcounts.count(one.pk)
    a_day_later()
    with mock.patch.object(segmentdays, "collect", side_effect=segments.TooSlowError):
        segmentcounts.tick()
    assert latest(one).problem == "slow"
    assert "it took longer than 30 seconds" in page(owner_client, one)
    a_day_later()
    rename(none="Now")
    segmentcounts.tick()
    day = latest(one)
    # Since the last day that was counted.
    assert (day.joined, day.left, day.since) == (1, 0, day.day - dt.timedelta(days=2))


def test_of_a_large_one_only_the_size_is_kept(
    one: Segment, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmentcounts.count(one.pk)
    a_day_later()
    monkeypatch.setattr(segmentdays, "MOST_KEPT", 2)
    segmentcounts.count(one.pk)
    assert (latest(one).size, latest(one).joined, latest(one).kept) == (3, None, False)
    assert not SegmentDayPart.objects.exists()
    assert "Of more than 2 contacts only the number is kept" in page(owner_client, one)


def test_old_sizes_are_forgotten(one: Segment) -> None:
    segmentcounts.count(one.pk)
    SegmentDay.objects.update(day=timezone.localdate() - dt.timedelta(days=500))
    segmentcounts.count(one.pk)
    assert SegmentDay.objects.count() == 1


def test_ids_of_many_parts(workspace: Workspace, one: Segment) -> None:
    """Of parts that appear, change and go."""
    begin = Contact.objects.latest("pk").pk + 5000
    ids = [begin + number * 700 for number in range(12)]
    made = [
        Contact(pk=pk, workspace=workspace, email=f"p{pk}@x.example", first_name="P") for pk in ids
    ]
    Contact.objects.bulk_create(made[:8])
    segmentcounts.count(one.pk)
    a_day_later()
    Contact.objects.filter(pk__in=ids[:3]).delete()
    Contact.objects.bulk_create(made[8:])
    segmentcounts.count(one.pk)
    day = latest(one)
    assert (day.size, day.joined, day.left) == (12, 4, 3)
    a_day_later()
    segmentcounts.count(one.pk)
    assert (latest(one).joined, latest(one).left) == (0, 0)
    stored = SegmentDayPart.objects.values_list("contacts", flat=True)
    assert sum(map(len, stored)) == 12


def test_a_zone_that_is_moved_westward_skips_no_day(
    workspace: Workspace, one: Segment, owner_client: Client
) -> None:
    def in_zone(name: str) -> dt.date:
        Workspace.objects.filter(pk=workspace.pk).update(timezone=name)
        return timezone.localdate(timezone=ZoneInfo(name))

    # There are always 26 hours between these two.
    today, later = in_zone("Etc/GMT+12"), in_zone("Pacific/Kiritimati")
    assert today < later
    segmentcounts.tick()
    in_zone("Etc/GMT+12")
    assert later.isoformat() not in page(owner_client, one)
    assert (
        f'"{later}"'
        not in owner_client.get(reverse("segment", args=["brand", one.pk])).content.decode()
    )
    rename(none="Now")
    segmentcounts.tick()
    assert [day.day for day in SegmentDay.objects.all()] == [today]
    # The next day is counted, and knows who joined.
    SegmentDay.objects.update(day=today - dt.timedelta(days=1))
    segmentcounts.tick()
    assert (latest(one).day, latest(one).joined) == (today, 1)


def test_a_count_of_a_future_day_replaces_that_of_its_own_day(
    workspace: Workspace, one: Segment
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(timezone="Etc/GMT+12")
    today = timezone.localdate(timezone=ZoneInfo("Etc/GMT+12"))
    for day, size in ((today, 1), (today + dt.timedelta(days=1), 2)):
        SegmentDay.objects.create(segment=one, day=day, version=1, size=size)
    segmentcounts.tick()
    assert [(day.day, day.size) for day in SegmentDay.objects.all()] == [(today, 2)]


def test_a_changed_rule_is_marked(one: Segment, owner_client: Client) -> None:
    segmentcounts.count(one.pk)
    a_day_later()
    service.change(one, name="Named", rule=group("none", NAMED), version=1)
    segmentcounts.count(one.pk)
    today = locales.day(timezone.localdate())
    text = page(owner_client, one)
    assert f"The rule was changed on: {today}." in text
    assert f"The rule was changed on {today}. Nobody joined or left by that" in text
    yesterday = locales.day(timezone.localdate() - dt.timedelta(days=1))
    assert f"{today} Rule changed 1 – – {yesterday} 3 – –" in text
    html = owner_client.get(reverse("segment", args=["brand", one.pk])).content.decode()
    assert '"marks": [1]' in html
    a_day_later()
    rename(bo="")
    segmentcounts.count(one.pk)
    assert f"{today} 2 1 0 {yesterday} Rule changed 1 – –" in page(owner_client, one)


def test_people_who_are_all_deleted_have_no_link(one: Segment, owner_client: Client) -> None:
    segmentcounts.count(one.pk)
    a_day_later()
    Contact.objects.get(email="ann@x.example").delete()
    segmentcounts.count(one.pk)
    html = owner_client.get(reverse("segment", args=["brand", one.pk])).content.decode()
    assert "1 left 1 of them is deleted" in page(owner_client, one)
    assert f"?change=left-{latest(one).pk}" not in html
    assert f"?change=joined-{latest(one).pk}" in html
