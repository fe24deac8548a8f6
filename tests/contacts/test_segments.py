"""Segments: the builder, versions, uses, the filter of contacts, and broken ones."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Workspace
from accounts.services.erasing import erasing_order
from contacts.models import Attribute, Contact, List, Subscription
from contacts.queries import segments as query
from contacts.queries.people import filtered
from contacts.segmentmodels import Segment, SegmentVersion
from contacts.segments import compiling, rules
from contacts.segments.checking import RuleError
from contacts.services import segments as service
from contacts.services import tags
from tests.contacts.segments.scene import attribute, group, make_segment, when
from tests.factories import make_contact

pytestmark = pytest.mark.django_db
Url = Callable[..., str]


@pytest.fixture
def city(workspace: Workspace) -> Attribute:
    """With two contacts in 上海 and one in Bern."""
    for name, where in (("ann", "上海"), ("bob", "上海"), ("eve", "Bern")):
        make_contact(workspace, f"{name}@x.example", attributes={"city": where})
    return Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")


SHANGHAI = attribute("city", "is", "上海")
FORM = {
    "name": "In Shanghai",
    "match_r": "all",
    "about_r_0": "attribute:city",
    "operator_r_0": "is",
    "value_r_0": "上海",
}


def found(workspace: Workspace, segment: Segment) -> set[str]:
    people = filtered(workspace, QueryDict(f"segment={segment.pk}"))
    return {one.email.split("@")[0] for one in people}


# Pages -------------------------------------------------------------------------------------------


def test_a_segment_is_made_and_opens_its_contacts(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    answer = owner_client.post(url("new_segment"), FORM | {"do": "save"}, follow=True)
    segment = Segment.objects.get()
    assert "City is “上海”" in answer.content.decode()
    assert found(workspace, segment) == {"ann", "bob"}
    page = owner_client.get(url("contacts") + f"?segment={segment.pk}").content.decode()
    assert 'data-total="2"' in page
    assert "eve@x.example" not in page
    count = owner_client.get(url("segment_count", segment.pk)).content.decode()
    assert 'data-figure="2"' in count
    assert "City is “上海”" in owner_client.get(url("segments")).content.decode()


def test_mistakes_stand_beside_their_condition_and_nothing_is_lost(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    form = FORM | {
        "do": "save",
        "name": "",
        "about_r_1": "attribute:city",
        "operator_r_1": "contains",
        "value_r_1": "",
    }
    page = owner_client.post(url("new_segment"), form).content.decode()
    assert "Enter a value." in page
    assert 'id="problem_r_1"' in page
    assert 'id="problem_r_0"' not in page
    assert 'value="上海"' in page
    assert not Segment.objects.exists()
    taken = Segment.objects.create(workspace=workspace, name="Taken")
    again = owner_client.post(url("new_segment"), FORM | {"do": "save", "name": taken.name})
    assert "There is a segment with this name already." in again.content.decode()


def test_buttons_and_choices_change_the_tree_without_saving(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    headers = {"HX-Request": "true"}
    part = owner_client.post(url("new_segment"), FORM | {"do": "add:r"}, headers=headers)
    text = part.content.decode()
    assert "<html" not in text
    assert 'id="about_r_1"' in text
    group_ = owner_client.post(url("new_segment"), FORM | {"do": "add_group:r"}, headers=headers)
    assert 'id="match_r_1"' in group_.content.decode()
    # Without a script, a button answers with the whole page, which does not ask for a name yet.
    whole = owner_client.post(url("new_segment"), FORM | {"do": "remove:r_0", "name": ""})
    assert "<html" in whole.content.decode()
    assert 'id="about_r_0"' not in whole.content.decode()
    assert "This field is required" not in whole.content.decode()
    assert not Segment.objects.exists()


def test_beside_the_builder(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    text = owner_client.post(url("segment_preview"), FORM).content.decode()
    assert "<strong>2</strong>" in text
    assert "66.7%" in text
    assert "ann@x.example" in text
    incomplete = owner_client.post(url("segment_preview"), FORM | {"value_r_0": ""})
    assert "Complete the conditions" in incomplete.content.decode()
    wrong = FORM | {
        "about_r_1": "person:created",
        "operator_r_1": "last_days",
        "value_r_1": "soon",
        "about_r_2": "",
    }
    said = owner_client.post(url("segment_preview"), wrong).content.decode()
    assert "Complete the conditions" not in said
    assert re.search(
        r'href="#condition_r_1">Condition 2</a>.*Enter a whole number', said, re.DOTALL
    )
    explained = owner_client.post(
        url("explain_segment"),
        FORM | {"about_r_1": "person:email", "operator_r_1": "begins", "value_r_1": "a"},
    ).content.decode()
    numbers = [part.split("<")[0] for part in explained.split('<td class="num">')[1:]]
    assert numbers == ["3", "2", "2", "1", "1"]


def test_one_contact_is_asked_about(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    def ask(person: str) -> str:
        return owner_client.post(url("ask_segment"), FORM | {"person": person}).content.decode()

    assert "is in this segment." in ask("ANN@x.example")
    other = ask("eve@x.example")
    assert "is not in this segment." in other
    assert "Found: Bern" in other
    assert "No contact has the address nobody@x.example." in ask("nobody@x.example")
    assert "Enter the address of a contact." in ask("")


def test_a_slow_count_says_so(
    workspace: Workspace,
    owner_client: Client,
    url: Url,
    city: Attribute,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    segment = make_segment(workspace, SHANGHAI)
    before = time_limit()

    def sleep(*_args: Any) -> int:
        with query.patient(0.05), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")
        return 0

    for name in ("count", "steps", "ask"):
        monkeypatch.setattr(query, name, sleep)
    assert "takes longer" in owner_client.post(url("segment_preview"), FORM).content.decode()
    assert "takes longer" in owner_client.post(url("explain_segment"), FORM).content.decode()
    asked = owner_client.post(url("ask_segment"), FORM | {"person": "ann@x.example"})
    assert "takes longer" in asked.content.decode()
    counted = owner_client.get(url("segment_count", segment.pk))
    assert "Takes too long to count" in counted.content.decode()
    assert time_limit() == before


def time_limit() -> object:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return cursor.fetchone()


def test_two_people_edit_the_same_segment(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    segment = make_segment(workspace, SHANGHAI, name="In Shanghai")
    edit = url("edit_segment", segment.pk)
    other = FORM | {"do": "save", "version": "1"}
    assert owner_client.post(edit, other | {"value_r_0": "Bern"}).status_code == 302
    page = owner_client.post(edit, other | {"value_r_0": "Basel"}).content.decode()
    assert "Somebody else saved this segment" in page
    assert 'value="Basel"' in page
    assert found(workspace, segment) == {"eve"}
    assert 'name="version" value="2"' in page
    again = owner_client.post(edit, other | {"value_r_0": "Basel", "version": "2"})
    assert again.status_code == 302
    assert found(workspace, segment) == set()


def test_an_earlier_version_comes_back(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    segment = make_segment(workspace, SHANGHAI)
    service.change(
        segment, name="Bern", rule=group("all", attribute("city", "is", "Bern")), version=1
    )
    assert found(workspace, segment) == {"eve"}
    owner_client.post(url("restore_segment", segment.pk), {"version": "1"})
    assert found(workspace, segment) == {"ann", "bob"}
    assert list(segment.versions.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    segment.refresh_from_db()
    assert (segment.name, segment.version) == ("Bern", 3)
    gone = owner_client.post(url("restore_segment", segment.pk), {"version": "9"}, follow=True)
    assert "This version is no longer kept." in gone.content.decode()


def test_a_new_name_alone_is_no_version(workspace: Workspace, city: Attribute) -> None:
    segment = make_segment(workspace, SHANGHAI)
    rule = query.stored(segment)
    assert rule is not None
    assert service.change(segment, name="Other", rule=rule, version=1).version == 1
    assert SegmentVersion.objects.count() == 1


def test_old_versions_are_dropped(
    workspace: Workspace, city: Attribute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_VERSIONS", 2)
    segment = make_segment(workspace, SHANGHAI)
    for number, name in enumerate(("a", "b", "c"), 1):
        rule = group("all", attribute("city", "is", name))
        service.change(segment, name="x", rule=rule, version=number)
    assert sorted(segment.versions.values_list("number", flat=True)) == [3, 4]


# Uses and circles --------------------------------------------------------------------------------


def test_users_are_found_in_groups_too(workspace: Workspace, city: Attribute) -> None:
    inner = make_segment(workspace, SHANGHAI, name="Inner")
    uses = when("segment", str(inner.pk), "in")
    outer = make_segment(workspace, group("any", SHANGHAI, group("none", uses)), name="Outer")
    make_segment(workspace, attribute("city", "is", str(inner.pk)), name="Other")
    assert query.users(workspace.pk, inner.pk) == [outer.pk]
    assert service.used_by(inner) == [("Segment “Outer”", "segment", outer.pk)]


def test_a_name_is_taken_once(workspace: Workspace, city: Attribute) -> None:
    """Also between the check of the form and the save."""
    segment = make_segment(workspace, SHANGHAI, name="One")
    with pytest.raises(service.SegmentError, match="with this name already"):
        make_segment(workspace, SHANGHAI, name="One")
    make_segment(workspace, SHANGHAI, name="Two")
    rule = query.stored(segment)
    assert rule is not None
    with pytest.raises(service.SegmentError, match="with this name already"):
        service.change(segment, name="Two", rule=rule, version=1)


def test_a_used_segment_is_not_deleted(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    inner = make_segment(workspace, SHANGHAI, name="Inner")
    outer = make_segment(workspace, when("segment", str(inner.pk), "in"), name="Outer")
    page = owner_client.post(url("delete_segment", inner.pk), follow=True).content.decode()
    assert "Inner can&#x27;t be deleted: it is used by Segment “Outer”." in page
    assert url("segment", outer.pk) in owner_client.get(url("segment", inner.pk)).content.decode()
    owner_client.post(url("delete_segment", outer.pk))
    owner_client.post(url("delete_segment", inner.pk))
    assert not Segment.objects.exists()


def test_a_change_within_makes_no_segment_too_deep(workspace: Workspace, city: Attribute) -> None:
    """Segments that use the changed one, by way of others, stay usable."""
    inner = make_segment(workspace, attribute("city", "filled"), name="g0")
    below = inner
    for number in (1, 2, 3):
        below = make_segment(workspace, when("segment", str(below.pk), "in"), name=f"g{number}")
    z0 = make_segment(workspace, attribute("city", "blank"), name="z0")
    z1 = make_segment(workspace, when("segment", str(z0.pk), "in"), name="z1")
    rule, _known = query.context(workspace, group("all", when("segment", str(z1.pk), "in")))
    with pytest.raises(service.SegmentError, match="four segments deep"):
        service.change(inner, name="g0", rule=rule, version=1)
    assert query.broken(workspace, str(below.pk)) is None


def test_circles_are_refused(workspace: Workspace, city: Attribute) -> None:
    inner = make_segment(workspace, SHANGHAI, name="Inner")
    outer = make_segment(workspace, when("segment", str(inner.pk), "in"), name="Outer")
    for used in (inner, outer):
        rule = group("all", when("segment", str(used.pk), "in"))
        with pytest.raises(service.SegmentError, match="would use itself"):
            service.change(inner, name="Inner", rule=rule, version=1)
    inner.refresh_from_db()
    assert inner.version == 1


def test_a_segment_does_not_grow_its_users_too_large(workspace: Workspace, city: Attribute) -> None:
    inner = make_segment(workspace, SHANGHAI, name="Inner")
    uses = [when("segment", str(inner.pk), "in")] * 5
    make_segment(workspace, *uses, name="Outer")
    rule = group("all", *[SHANGHAI] * 45)
    with pytest.raises(service.SegmentError, match="more than 200 conditions"):
        service.change(inner, name="Inner", rule=rule, version=1)


# Broken ones -------------------------------------------------------------------------------------


def test_what_is_missing_never_matches_anybody(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    """Also not by "none of these"."""
    segment = make_segment(workspace, group("none", attribute("city", "is", "Bern")), name="Not")
    outer = make_segment(workspace, when("segment", str(segment.pk), "not_in"), name="Outer")
    assert found(workspace, segment) == {"ann", "bob"}
    assert found(workspace, outer) == {"eve"}
    city.delete()
    assert found(workspace, segment) == found(workspace, outer) == set()
    count = owner_client.get(url("segment_count", segment.pk)).content.decode()
    assert "no longer exists" in count
    page = owner_client.get(url("contacts") + f"?segment={segment.pk}").content.decode()
    assert "Nobody is in the segment Not, because" in page
    for name in ("segment", "edit_segment"):
        page = owner_client.get(url(name, segment.pk)).content.decode()
        assert "no longer exists" in page
    assert "no longer exists" in owner_client.get(url("segments")).content.decode()
    rule = query.stored(segment)
    assert rule is not None
    with pytest.raises(RuleError):
        query.context(workspace, rule)


def test_a_rule_that_can_not_be_read_is_shown(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    segment = Segment.objects.create(workspace=workspace, name="Broken", rule={"version": 9})
    for name in ("segment", "edit_segment", "segment_count"):
        assert owner_client.get(url(name, segment.pk)).status_code == 200
    assert owner_client.get(url("segments")).status_code == 200
    assert found(workspace, segment) == set()


def test_a_segment_of_another_workspace_matches_nobody(
    workspace: Workspace, other_workspace: Workspace, city: Attribute
) -> None:
    segment = make_segment(other_workspace, when("person", "email", "contains", "x"))
    assert found(workspace, segment) == set()
    for text in ("x", "9" * 5000, "-1"):
        assert not filtered(workspace, QueryDict(f"segment={text}")).exists()


# Statements --------------------------------------------------------------------------------------


def test_a_filter_together_with_others(workspace: Workspace, city: Attribute) -> None:
    target = List.objects.create(workspace=workspace, name="News")
    Subscription.objects.create(list=target, contact=Contact.objects.get(email="ann@x.example"))
    segment = make_segment(workspace, SHANGHAI)
    parameters = QueryDict(f"segment={segment.pk}&list={target.pk}&q=x.example")
    assert [one.email for one in filtered(workspace, parameters)] == ["ann@x.example"]


def test_actions_on_the_whole_result(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    target = List.objects.create(workspace=workspace, name="News")
    segment = make_segment(
        workspace, attribute("city", "one_of", "上海\n100%"), when("suppressed", "", "no")
    )
    chosen = {"all": "1", "query": f"segment={segment.pk}", "list": str(target.pk)}
    owner_client.post(url("contacts_bulk"), chosen | {"action": "add"})
    on_it = Contact.objects.filter(subscriptions__list=target).order_by("email")
    assert [one.email for one in on_it] == ["ann@x.example", "bob@x.example"]
    answer = owner_client.get(url("export_contacts") + f"?segment={segment.pk}")
    lines = answer.getvalue().decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["ann@x.example", "bob@x.example"]


def test_the_list_of_segments_reads_each_kind_once(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            owner_client.get(url("segments"))
        return len(captured)

    make_segment(workspace, SHANGHAI, name="1")
    queries()  # the first visit remembers the workspace
    before = queries()
    for number in range(2, 6):
        make_segment(workspace, SHANGHAI, name=str(number))
    assert queries() == before


def test_a_count_of_a_list_reads_no_row_of_contacts(workspace: Workspace) -> None:
    """The contacts' own table is wide; the index and the subscriptions are narrow."""
    target = List.objects.create(workspace=workspace, name="News")
    items = (when("list", str(target.pk), "subscribed"), when("list", "any", "unsubscribed"))
    for word in rules.WORDS:
        sql = compiling.people(*query.context(workspace, group(word, *items)))
        # These two columns are in an index.
        assert set(re.findall(r"\bc\.(\w+)", sql.text)) == {"id", "workspace_id"}


def test_a_deleted_workspace_takes_its_segments_along() -> None:
    models = [model for model, _way in erasing_order()]
    assert models.index(SegmentVersion) < models.index(Segment)


# Something that a rule names goes away -----------------------------------------------------------


def test_a_tag_that_was_deleted_is_named_where_it_is_missed(
    workspace: Workspace, owner_client: Client, url: Url
) -> None:
    tag = tags.make(workspace, ["Old customer"])[0]
    segment = make_segment(workspace, when("tag", str(tag.pk), "has"), name="Loyal")
    text = owner_client.get(url("edit_tag", tag.pk)).content.decode()
    assert url("segment", segment.pk) in text
    assert "these segments match nobody" in text
    tags.rename(tag, "Former customer")
    owner_client.post(url("delete_tag", tag.pk))
    gone = "“Former customer” (no longer exists)"
    for page in (url("segment", segment.pk), url("segments"), url("edit_segment", segment.pk)):
        assert gone in owner_client.get(page).content.decode()
    builder = owner_client.get(url("edit_segment", segment.pk)).content.decode()
    assert "“Former customer” no longer exists. Choose something else" in builder
    assert 'name="label_r_0" value="Former customer"' in builder
    form = {
        "match_r": "all",
        "about_r_0": "tag",
        "subject_r_0": str(tag.pk),
        "operator_r_0": "has",
        "label_r_0": "Former customer",
        "person": "ann@x.example",
    }
    for name in ("segment_preview", "explain_segment", "ask_segment"):
        said = owner_client.post(url(name), form).content.decode()
        assert "Condition 1" in said
        assert "“Former customer” no longer exists" in said


def test_the_label_of_a_subject_is_no_change_of_the_rule(workspace: Workspace) -> None:
    tag = tags.make(workspace, ["VIP"])[0]
    segment = make_segment(workspace, when("tag", str(tag.pk), "has"))
    assert segment.rule["items"][0]["label"] == "VIP"
    tags.rename(tag, "Best")
    rule, _known = query.context(workspace, rules.read(segment.rule))
    assert service.change(segment, name="Segment", rule=rule, version=1).version == 1


def test_a_deleted_attribute_names_its_segments_before_and_after(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    segment = make_segment(workspace, SHANGHAI, name="In Shanghai")
    form = owner_client.get(url("edit_attribute", city.pk)).content.decode()
    assert url("segment", segment.pk) in form
    owner_client.post(url("delete_attribute", city.pk))
    assert "“City” (no longer exists)" in owner_client.get(url("segments")).content.decode()
    # Another attribute of the same key is another thing: a person chooses it.
    Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")
    why = query.broken(workspace, str(segment.pk))
    assert why
    assert (why.segment, why.incomplete) == (segment, "")
    assert "“City” (no longer exists)" in owner_client.get(url("segments")).content.decode()
    builder = owner_client.get(url("edit_segment", segment.pk)).content.decode()
    assert "“City” no longer exists. Choose something else" in builder


def test_a_broken_segment_can_t_be_named_without_complaint(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    inner = make_segment(workspace, SHANGHAI, name="Inner")
    fine = make_segment(workspace, when("person", "first_name", "blank"), name="Fine")
    owner_client.post(url("delete_attribute", city.pk))
    form = {
        "do": "save",
        "name": "Outer",
        "match_r": "all",
        "about_r_0": "segment",
        "operator_r_0": "not_in",
    }
    answer = owner_client.post(url("new_segment"), form | {"subject_r_0": str(inner.pk)})
    text = answer.content.decode()
    assert "“Inner” can&#x27;t be used: something in its rule no longer exists" in text
    assert 'id="problem_r_0"' in text
    assert not Segment.objects.filter(name="Outer").exists()
    answer = owner_client.post(url("new_segment"), form | {"subject_r_0": str(fine.pk)})
    assert answer.status_code == 302
    assert Segment.objects.filter(name="Outer").exists()


def test_a_used_segment_says_in_its_dialogue_that_it_stays(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    inner = make_segment(workspace, SHANGHAI, name="Inner")
    outer = make_segment(workspace, when("segment", str(inner.pk), "in"), name="Outer")
    text = owner_client.get(url("segment", inner.pk)).content.decode()
    dialog = re.search(r'<dialog id="delete-segment".*?</dialog>', text, re.DOTALL)
    assert dialog
    assert url("segment", outer.pk) in dialog[0]
    assert url("delete_segment", inner.pk) not in text


# Pasted lists of addresses -----------------------------------------------------------------------

PASTED = """ann@x.example;
Bo <bob@x.example>
eve@x.example, new@y.example
＂Other@y.example＂
nobody"""


def test_a_pasted_list_of_addresses_is_understood(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    form = {
        "name": "Guests",
        "match_r": "all",
        "about_r_0": "person:email",
        "operator_r_0": "one_of",
        "value_r_0": PASTED,
    }
    said = owner_client.post(url("segment_preview"), form).content.decode()
    assert "<strong>3</strong>" in said
    beneath = re.search(
        r'<div class="segment-lines" id="lines_r_0" hx-swap-oob.*?</div>', said, re.DOTALL
    )
    assert beneath
    assert "3 of 6 lines match no contact:" in beneath[0]
    assert re.findall("<li>(.*?)</li>", beneath[0]) == [
        "new@y.example",
        "other@y.example",
        "nobody",
    ]
    owner_client.post(url("new_segment"), form | {"do": "save"})
    segment = Segment.objects.get()
    assert found(workspace, segment) == {"ann", "bob", "eve"}
    page = owner_client.get(url("segment", segment.pk)).content.decode()
    assert "Show all 6 lines" in page
    assert "<li>nobody</li>" in page


def test_names_of_segments_differ_by_more_than_case_and_width(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    make_segment(workspace, SHANGHAI, name="K1")
    page = owner_client.post(url("new_segment"), FORM | {"do": "save", "name": "ｋ1"})
    assert "There is a segment with this name already." in page.content.decode()
    assert Segment.objects.count() == 1


def test_a_name_that_somebody_else_changed_is_not_overwritten_silently(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    segment = make_segment(workspace, SHANGHAI, name="First")
    edit = url("edit_segment", segment.pk)
    seen = re.search(r'name="seen" value="(\w+)"', owner_client.get(edit).content.decode())
    assert seen
    Segment.objects.update(name="Theirs")
    form = FORM | {"do": "save", "name": "Mine", "version": "1", "seen": seen[1]}
    assert "Somebody else saved changes" in owner_client.post(edit, form).content.decode()
    assert Segment.objects.get().name == "Theirs"


def test_a_filter_by_what_does_not_exist_says_so(
    workspace: Workspace, owner_client: Client, url: Url, city: Attribute
) -> None:
    for query_, said in (
        ("segment=999", "The segment that this filter is about was deleted."),
        ("tag=999", "The tag that this filter is about was deleted."),
    ):
        assert said in owner_client.get(url("contacts") + f"?{query_}").content.decode()
