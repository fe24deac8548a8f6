"""Tags in imports: check and run agree, known programs, bounds, undo, and our own export."""

import csv
import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Workspace
from contacts import columns, tagnames
from contacts.columns import KnownAttribute
from contacts.models import (
    Attribute,
    Contact,
    ContactTag,
    Import,
    ImportReject,
    Job,
    List,
    Suppression,
    Tag,
)
from contacts.provenance import BY_HAND, Source
from contacts.services import importchecks, importrun, imports, jobs, tags
from tests.contacts.jobscene import finish
from tests.contacts.test_export import export
from tests.contacts.test_imports import chosen, imported, ran, received

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nudges")]

FILE = """email,Tags
ann@x.example,"VIP, 老客户"
bo@x.example,"vip；""Bath, Somerset"" "
cy@x.example,
bo@x.example,twice
eva@stopped.example,stopped
wrong,wrong
"""


def tagged() -> dict[str, list[str]]:
    rows = ContactTag.objects.order_by("tag__key").values_list("contact__email", "tag__name")
    found: dict[str, list[str]] = {}
    for email, name in rows:
        found.setdefault(email.partition("@")[0], []).append(name)
    return found


def make(workspace: Workspace, email: str, *names: str) -> Contact:
    one = Contact.objects.create(workspace=workspace, email=email)
    for tag in tags.make(workspace, names):
        tags.add(tag, Contact.objects.filter(pk=one.pk), source=BY_HAND)
    return one


@pytest.mark.parametrize("size", [1, 1000])
def test_check_and_run_agree(workspace: Workspace, size: int) -> None:
    Suppression.objects.create(workspace=workspace, kind="domain", value="stopped.example")
    make(workspace, "bo@x.example", "VIP", "Kept")
    file = chosen(received(workspace, FILE))
    checked = importchecks.check(file, rows=None)
    assert set(checked.tags) == {"老客户", "Bath, Somerset"}
    assert Tag.objects.count() == 2
    counts = ran(file, size=size)
    assert (counts["tagged"], counts["new_tags"]) == (2, 2)
    for name in ("tagged", "new_tags", "unusable"):
        assert checked.counts[name] == counts[name], name
    assert tagged() == {"ann": ["VIP", "老客户"], "bo": ["Bath, Somerset", "Kept", "VIP"]}
    assert ContactTag.objects.get(tag__name="老客户").source == Source("import", file.pk)
    assert ContactTag.objects.get(tag__name="Kept").source == BY_HAND
    again = imported(workspace, FILE)
    assert (again["tagged"], again["new_tags"]) == (0, 0)


def test_contacts_that_are_left_as_they_are_get_no_tags(workspace: Workspace) -> None:
    make(workspace, "ann@x.example")
    counts = imported(workspace, FILE, known="skip")
    assert tagged().keys() == {"bo", "eva"}
    assert counts["tagged"] == 2


def test_several_columns_and_a_choice(workspace: Workspace) -> None:
    data = "email,tags,标签,Group\na@x.example,a,b,c|d\n"
    file = received(workspace, data)
    assert file.mapping[:3] == ["email", "tags", "tags"]
    ran(chosen(file, mapping=["email", "tags", "tags", "tags"]))
    assert tagged() == {"a": ["a", "b", "c", "d"]}


def test_an_attribute_of_that_name_stays_one() -> None:
    rows = [["email", "Tags"], ["a@x.example", "VIP"]]
    found = columns.describe(rows, header=True, known=[KnownAttribute("tags", "Tags", "text")])
    assert [column.guess for column in found] == ["email", "attribute:tags"]


def test_tags_that_are_statuses_are_read_as_such() -> None:
    rows = [["email", "Tags"], ["a@x.example", "unsubscribed"], ["b@x.example", "subscribed"]]
    found = columns.describe(rows, header=True)
    assert found[1].guess == "status"


def test_what_is_too_much_is_reported(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagnames, "NEW_A_FILE", 60)
    many = ",".join(f"t{n}" for n in range(52))
    data = f'email,tags\na@x.example,"{many}"\nb@x.example,{"x" * 101};ok\n' + "".join(
        f"c{n}@x.example,n{n}\n" for n in range(12)
    )
    file = chosen(received(workspace, data))
    checked = importchecks.check(file, rows=None)
    counts = ran(file, size=3)
    told = list(
        ImportReject.objects.order_by("line", "reason").values_list("line", "reason", "value")
    )
    assert told == [
        (2, "tags_many", "t50, t51"),
        (3, "tag_long", "x" * 101),
        *((4 + n, "tags_new", f"n{n}") for n in range(9, 12)),
    ]
    assert counts["unusable"] == checked.counts["unusable"] == 5
    assert counts["new_tags"] == checked.counts["new_tags"] == Tag.objects.count() == 60
    assert Contact.objects.count() == 14


def test_a_resumed_import_keeps_to_the_bound(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagnames, "NEW_A_FILE", 5)
    data = "email,tags\n" + "".join(f"c{n}@x.example,n{n}\n" for n in range(12))
    file = chosen(received(workspace, data))
    imports.start(file, enqueue=None)
    while importrun.run(file.pk, size=2, seconds=0):  # begins anew after each batch
        pass
    assert Tag.objects.count() == 5


def test_a_file_without_tags_costs_no_statement(workspace: Workspace) -> None:
    def statements(data: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            imported(workspace, data)
        return sum("contacts_tag" in one["sql"] or "import_tagged" in one["sql"] for one in queries)

    assert statements("email,city\na@x.example,Bath\n") == 0
    assert 0 < statements("email,tags\nb@x.example,VIP\n") < 10


def test_undo_takes_back_what_the_import_added(workspace: Workspace) -> None:
    bo = make(workspace, "bo@x.example", "VIP")
    file = chosen(received(workspace, FILE))
    ran(file)
    ann = Contact.objects.get(email="ann@x.example")
    for tag in tags.make(workspace, ["By hand"]):
        tags.add(tag, Contact.objects.filter(pk=ann.pk), source=BY_HAND)
    imports.undo(file)
    # Somebody tagged one of the new contacts meanwhile: it is used, and stays.
    assert tagged() == {"ann": ["By hand"], "bo": ["VIP"]}
    assert set(Contact.objects.values_list("pk", flat=True)) == {ann.pk, bo.pk}


def test_undo_by_a_job(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    file = chosen(received(workspace, FILE))
    ran(file)
    monkeypatch.setattr(jobs, "SMALL", 1)
    job = imports.undo(file)
    assert isinstance(job, Job)
    finish(job, size=1)
    assert not ContactTag.objects.exists()
    assert not Contact.objects.exists()


def test_the_pages_say_it(workspace: Workspace, owner_client: Client) -> None:
    file = chosen(received(workspace, FILE))
    url = reverse("import", args=["brand", file.pk])
    page = owner_client.get(url, {"step": "check", "now": "1"}).content.decode()
    assert "3 contacts would get tags." in page
    assert "4 tags would be new:" in page
    assert '<span class="badge tag">老客户</span>' in page
    ran(file)
    page = owner_client.get(url).content.decode()
    assert "3 contacts got tags." in page
    assert "Tags that it added are removed." in page
    ann = Contact.objects.get(email="ann@x.example")
    person = owner_client.get(reverse("contact", args=["brand", ann.pk])).content.decode()
    assert "Got the tags VIP and 老客户" in person


def test_our_own_export_brings_them_back(
    workspace: Workspace, other_workspace: Workspace, owner_client: Client
) -> None:
    odd = ["=1+1", "Bath, Somerset", 'say "hi"', "VIP", "[x]"]
    make(workspace, "ann@x.example", *odd)
    make(workspace, "bo@x.example", "'=x")
    make(workspace, "cy@x.example")
    Attribute.objects.create(workspace=workspace, key="tags", label="Tags")
    Contact.objects.filter(email="cy@x.example").update(attributes={"tags": "an attribute"})
    text = export(owner_client)
    before = tagged()
    for target in (other_workspace, workspace):
        ContactTag.objects.all().delete()
        Contact.objects.filter(workspace=other_workspace).delete()
        file = received(target, text)
        ran(chosen(file))
        theirs = ContactTag.objects.filter(contact__workspace=target)
        assert theirs.count() == 6
        assert tagged() == before
        cy = Contact.objects.get(workspace=target, email="cy@x.example")
        assert cy.attributes == {"tags": "an attribute"}
    header = next(csv.reader(io.StringIO(text)))
    assert header.count("tags") == 1


@pytest.mark.parametrize(
    ("header", "mapping"),
    [
        ("E-mail address,Tags,status,suppressed_at,tags,added_at", "tags"),
        ("E-mail address,status,suppressed_at,tags,added_at", "tags"),
    ],
)
def test_the_column_of_an_export_is_known(header: str, mapping: str) -> None:
    names = header.split(",")
    known = [KnownAttribute("tags", "Tags", "text")]
    row: list[Any] = ["a@x.example", *["VIP"] * (len(names) - 1)]
    found = [one.guess for one in columns.describe([names, row], header=True, known=known)]
    assert found[names.index("tags")] == mapping
    assert found.count("attribute:tags") == ("Tags" in names)


def test_the_command_counts_them(
    workspace: Workspace, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "people.csv").write_text("Mail,Groups\na@x.example,VIP;Trade\n", encoding="utf-8")
    call_command(
        "import_contacts", str(tmp_path / "people.csv"), "--workspace=brand", "--map", "Groups=tags"
    )
    assert "2  new tags" in capsys.readouterr().out
    assert tagged() == {"a": ["Trade", "VIP"]}
    assert Import.objects.count() == 1
    assert not List.objects.exists()
