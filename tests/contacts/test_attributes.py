"""An attribute that is deleted while an import fills it leaves no values behind."""

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connections
from django.test import Client

from accounts.models import Workspace
from contacts.models import Attribute, Contact, Import, Job
from contacts.services import attributes, importchoices, importrun, imports, jobs, preferences
from tests.contacts.jobscene import finish
from tests.contacts.test_imports import chosen, received
from tests.factories import make_contact
from tests.otherconnections import address, wait_until_one_waits

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nudges")]

DATA = "email,zorb\n" + "".join(f"p{number}@b.example,v{number}\n" for number in range(10))
# What a batch of an import does: it takes its turn, and writes values.
TURN = "SELECT pg_advisory_xact_lock(hashtext('contacts.import'), %s)"
WRITE = """
INSERT INTO contacts_contact (workspace_id, email, first_name, last_name, full_name, attributes,
                              source_kind, source_id, created_at, updated_at)
VALUES (%s, 'new@b.example', '', '', '', '{"zorb": "v"}', 'page', 0, now(), now())
"""


def started(workspace: Workspace) -> Import:
    file = received(workspace, DATA)
    chosen(file, mapping=["email", "new:zorb:text"])
    imports.start(file, enqueue=None)
    return file


def with_value() -> int:
    return Contact.objects.filter(attributes__has_key="zorb").count()


def test_later_batches_leave_the_values_out_and_report_them(workspace: Workspace) -> None:
    file = started(workspace)

    def delete(held: Import) -> None:
        if held.counts["rows"] == 4:  # the next batch is read already
            attributes.delete(Attribute.objects.get(key="zorb"))

    assert not importrun.run(file.pk, size=2, progress=delete)
    file.refresh_from_db()
    assert file.state == Import.State.FINISHED, file.error
    assert (file.counts["rows"], file.counts["new"], file.counts["unusable"]) == (10, 10, 6)
    assert with_value() == 0
    left_out = file.rejects.order_by("line").values_list("line", "reason", "kept", "value")
    assert list(left_out) == [
        (line, "attribute_gone", True, f"v{line - 2}") for line in range(6, 12)
    ]


def test_the_next_slice_of_an_import_goes_on(workspace: Workspace) -> None:
    file = started(workspace)
    assert importrun.run(file.pk, size=4, seconds=0)
    attributes.delete(Attribute.objects.get(key="zorb"))
    while importrun.run(file.pk, size=4):
        pass
    file.refresh_from_db()
    assert (file.state, file.counts["unusable"], with_value()) == (Import.State.FINISHED, 6, 0)


def test_its_key_is_kept_until_the_import_ends(workspace: Workspace) -> None:
    file = started(workspace)
    attributes.delete(Attribute.objects.get(key="zorb"))
    assert attributes.add(workspace, label="Zorb", type_="number").key != "zorb"
    other = chosen(received(workspace, DATA), mapping=["email", "new:zorb:text"])
    with pytest.raises(importchoices.ImportRefusedError, match="zorb"):
        imports.start(other, enqueue=None)
    while importrun.run(file.pk):
        pass
    imports.start(other, enqueue=None)
    assert Attribute.objects.filter(key="zorb").exists()


def test_two_imports_may_fill_the_same_attribute(workspace: Workspace) -> None:
    started(workspace)
    started(workspace)
    assert Attribute.objects.filter(key="zorb").count() == 1


@pytest.mark.parametrize("small", [0, 2_000], ids=["by a job", "in the request"])
def test_deleting_waits_for_the_batch_that_writes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(jobs, "SMALL", small)
    zorb = attributes.add(workspace, label="Zorb", type_="text")
    Contact.objects.create(workspace=workspace, email="a@b.example", attributes={"zorb": "v"})

    def delete() -> int | Job:
        try:
            return attributes.delete(zorb)
        finally:
            connections.close_all()

    with psycopg.connect(address()) as batch, ThreadPoolExecutor(1) as thread:
        batch.execute(TURN, [workspace.pk])
        batch.execute(WRITE, [workspace.pk])
        deleting = thread.submit(delete)
        wait_until_one_waits()
        batch.commit()
        deleting.result(30)
    for job in Job.objects.all():
        finish(job)
    assert with_value() == 0


# Order and groups --------------------------------------------------------------------------------


def order(workspace: Workspace) -> list[str]:
    own = Attribute.objects.filter(workspace=workspace)
    return [f"{one.group}/{one.label}" if one.group else one.label for one in own]


@pytest.fixture
def four(workspace: Workspace) -> dict[str, Attribute]:
    groups = {"a": "", "b": "Home", "c": "Work", "d": "Home"}
    return {
        name: attributes.add(workspace, label=name, type_="text", group=group)
        for name, group in groups.items()
    }


def test_a_group_stands_together(workspace: Workspace, four: dict[str, Attribute]) -> None:
    assert order(workspace) == ["a", "Home/b", "Home/d", "Work/c"]
    attributes.arrange(workspace, [four[name].pk for name in "cdba"])
    assert order(workspace) == ["Work/c", "Home/d", "Home/b", "a"]


def test_an_order_that_does_not_name_all(workspace: Workspace, four: dict[str, Attribute]) -> None:
    other = attributes.add(workspace, label="e", type_="text")
    attributes.arrange(workspace, [four["c"].pk, 999_999_999, other.pk])
    assert order(workspace) == ["Work/c", "e", "a", "Home/b", "Home/d"]


def test_one_step(workspace: Workspace, four: dict[str, Attribute]) -> None:
    attributes.move(four["d"], -1)
    assert order(workspace) == ["a", "Home/d", "Home/b", "Work/c"]
    attributes.move(four["d"], -1)  # it stays in its group
    assert order(workspace) == ["a", "Home/d", "Home/b", "Work/c"]
    attributes.move_group(workspace, "Work", -1)
    assert order(workspace) == ["a", "Work/c", "Home/d", "Home/b"]


def test_another_group(workspace: Workspace, four: dict[str, Attribute]) -> None:
    attributes.change(four["a"], label="a", choices=[], group="Home")
    assert order(workspace) == ["Home/b", "Home/d", "Home/a", "Work/c"]
    attributes.rename_group(workspace, "Home", "Work")
    assert order(workspace) == ["Work/b", "Work/d", "Work/a", "Work/c"]
    attributes.rename_group(workspace, "Work", "")
    assert attributes.groups(workspace) == []


def test_the_pages_of_order_and_groups(
    owner_client: Client, workspace: Workspace, four: dict[str, Attribute]
) -> None:
    def post(**given: object) -> None:
        assert owner_client.post("/w/brand/attributes/order/", given).status_code == 302

    post(order=[four[name].pk for name in "cabd"])
    assert order(workspace) == ["Work/c", "a", "Home/b", "Home/d"]
    post(down="group:Work")
    post(up=four["d"].pk)
    assert order(workspace) == ["a", "Work/c", "Home/d", "Home/b"]
    assert owner_client.post("/w/brand/attributes/order/", {"up": "x"}).status_code == 400
    url = "/w/brand/attributes/group/?group=Home"
    owner_client.post(url, {"name": "Private"})
    assert attributes.groups(workspace) == ["Work", "Private"]
    assert "This group is gone" in owner_client.get(url, follow=True).content.decode()


def test_a_contact_by_groups(
    owner_client: Client, workspace: Workspace, four: dict[str, Attribute]
) -> None:
    person = Contact.objects.create(workspace=workspace, email="a@b.example", attributes={"d": "y"})
    for url in (f"/w/brand/contacts/{person.pk}/", f"/w/brand/contacts/{person.pk}/edit/"):
        page = owner_client.get(url).content.decode()
        assert page.index(">Home<") < page.index(">Work<")


# Deleting several --------------------------------------------------------------------------------


@pytest.mark.parametrize("small", [0, 2_000], ids=["by a job", "in the request"])
def test_several_are_deleted_together(
    owner_client: Client,
    workspace: Workspace,
    four: dict[str, Attribute],
    monkeypatch: pytest.MonkeyPatch,
    small: int,
) -> None:
    monkeypatch.setattr(jobs, "SMALL", small)
    given = {"a": "x", "b": "y", "c": "z"}
    person = Contact.objects.create(workspace=workspace, email="a@b.example", attributes=given)
    url, chosen = "/w/brand/attributes/delete/", [four["a"].pk, four["b"].pk]
    asked = owner_client.post(url, {"pk": chosen}).content.decode()
    assert "1 person has a value of them" in asked
    assert len(order(workspace)) == 4
    owner_client.post(url, {"pk": chosen, "sure": "1"})
    assert order(workspace) == ["Home/d", "Work/c"]
    for job in Job.objects.all():
        assert attributes.being_dropped(workspace.pk) == {"a", "b"}
        finish(job)
    person.refresh_from_db()
    assert person.attributes == {"c": "z"}
    assert attributes.being_dropped(workspace.pk) == set()


def test_an_attribute_that_others_make_comes_last(workspace: Workspace) -> None:
    """It must not come between the attributes of a group."""
    for label, group in (("Born", "About"), ("Taste", ""), ("City", "About")):
        attributes.add(workspace, label=label, type_="text", group=group)
    person = make_contact(workspace, "a@b.example")
    preferences.set_language(person, "zh-Hans")
    own = Attribute.objects.filter(workspace=workspace).values_list("key", "group")
    assert list(own) == [("born", "About"), ("city", "About"), ("taste", ""), ("language", "")]


@pytest.mark.parametrize(
    ("type_", "values"),
    [("choice", ["Pro", "Pro", "Free"]), ("choices", [["Pro"], ["Pro", "Free"], "x"])],
)
def test_a_choice_that_contacts_have_goes_only_at_the_second_time(
    workspace: Workspace, owner_client: Client, type_: str, values: list[object]
) -> None:
    plan = attributes.add(workspace, label="Plan", type_=type_, choices=["Free", "Pro", "Old"])
    for number, value in enumerate(values):
        make_contact(workspace, f"p{number}@b.example", attributes={"plan": value})
    url = f"/w/brand/attributes/{plan.pk}/edit/"
    given = {"label": "Plan", "choices": "Free\nTeam", "group": ""}
    page = owner_client.post(url, given).content.decode()
    assert "Pro (2 contacts)" in page
    assert "Old (" not in page
    plan.refresh_from_db()
    assert plan.choices == ["Free", "Pro", "Old"]
    told = re.findall(r'name="given_up" value="(\w+)"', page)
    assert told == ["Pro", "Old"]
    # Other choices are told anew.
    other = owner_client.post(url, given | {"choices": "Team", "given_up": told})
    assert "Free (1 contact)" in other.content.decode()
    owner_client.post(url, given | {"given_up": told})
    plan.refresh_from_db()
    assert plan.choices == ["Free", "Team"]
