"""The last known size of a segment, and which segments can't be used."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from contacts.models import List
from contacts.queries import segments as query
from contacts.queries import segmentsizes
from contacts.segmentmodels import Segment
from contacts.services import segments as service
from tests.contacts.segments.scene import attribute, group, make_segment, when
from tests.factories import make_contact, make_list

pytestmark = pytest.mark.django_db


def test_a_count_is_kept_until_the_rule_changes(
    workspace: Workspace, owner: User, owner_client: Client
) -> None:
    people = make_list(workspace, ["ann@x.example", "bo@x.example"])
    one = make_segment(workspace, when("list", str(people.pk), "subscribed"))
    assert (one.size, one.counted_at) == (None, None)
    owner_client.get(reverse("segment_count", args=["brand", one.pk]))
    one.refresh_from_db()
    assert one.size == 2
    assert one.counted_at is not None
    rule = query.stored(one)
    assert rule
    renamed = service.change(one, name="Other", rule=rule, version=1)
    assert renamed.size == 2
    changed = service.change(renamed, name="Other", rule=group("none", *rule.items), version=1)
    assert (changed.size, changed.counted_at) == (None, None)
    # A count of the earlier rule comes too late.
    segmentsizes.keep(one, 7)
    changed.refresh_from_db()
    assert changed.size is None


def test_what_can_t_be_used(workspace: Workspace, other_workspace: Workspace) -> None:
    gone = List.objects.create(workspace=workspace, name="Gone")
    make_contact(workspace, "ann@x.example")
    fine = make_segment(workspace, when("person", "first_name", "blank"), name="Fine")
    broken = make_segment(workspace, when("list", str(gone.pk), "never"), name="Broken")
    above = make_segment(workspace, when("segment", str(broken.pk), "not_in"), name="Above")
    top = make_segment(
        workspace,
        when("segment", str(above.pk), "in"),
        when("segment", str(fine.pk), "in"),
        name="Top",
    )
    other = make_segment(other_workspace, when("person", "first_name", "blank"), name="Other")
    unread = make_segment(workspace, when("person", "first_name", "blank"), name="Unread")
    Segment.objects.filter(pk__in=[unread.pk, other.pk]).update(rule={})
    assert segmentsizes.unusable(workspace.pk) == {unread.pk: ""}
    gone.delete()
    wrong = segmentsizes.unusable(workspace.pk)
    assert wrong == dict.fromkeys([broken.pk, above.pk, top.pk, unread.pk], "")
    # The same as asking for each.
    for one in Segment.objects.filter(workspace=workspace):
        assert (query.broken(workspace, str(one.pk)) is not None) == (one.pk in wrong), one


def test_a_changed_type_breaks_it(workspace: Workspace) -> None:
    attribute_of = workspace.attributes.create(key="points", label="Points", type="number")
    one = make_segment(workspace, attribute("points", "at_least", 3))
    workspace.attributes.filter(pk=attribute_of.pk).update(type="date")
    assert segmentsizes.unusable(workspace.pk) == {one.pk: ""}
