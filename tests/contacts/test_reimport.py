"""An export of all contacts, imported again: into one of its lists, under a name that the list had
before, into a list that it doesn't know, and into another workspace. Check and run agree."""
# ruff: noqa: PLR0917 - fixtures and cases

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import BY_HAND, Source
from contacts.services import importchecks, lists
from tests.contacts.test_export import (
    EVERYBODY,
    everybody,
    everything,
    export,
    mailed,
    news,
    offers,
)
from tests.contacts.test_imports import chosen, ran, received

__all__ = ["everybody", "news", "offers"]

pytestmark = pytest.mark.django_db

# How people stand, on pairs of lists: what no column sums up.
PAIRS = {
    "only_a": ("subscribed", ""),
    "only_b": ("", "subscribed"),
    "left_b": ("subscribed", "unsubscribed"),
    "left_a": ("unsubscribed", "subscribed"),
    "both": ("subscribed", "subscribed"),
    "left_both": ("unsubscribed", "unsubscribed"),
    "left_only_b": ("", "unsubscribed"),
    "nowhere": ("", ""),
}
ODD_NAMES = [
    ("News", "news"),
    ('The "best"; of: all', "The 'best'; of: all"),
    ("=SUM(A1)", "+1"),
    ("News\u00a0letter", "News letter"),
    ("list: List: a", "List: a"),
    ("客户，2026：甲", "客户,2026:甲"),
    ("a; subscribed; explicit", "unsubscribed"),
    ("status", "suppressed_at"),
    ("E-mail address", "First name"),
    ("'quoted", "@at"),
]


def pair(workspace: Workspace, first: str, second: str) -> tuple[List, List]:
    a = List.objects.create(workspace=workspace, name=first)
    b = List.objects.create(workspace=workspace, name=second)
    for name, states in PAIRS.items():
        one = Contact.objects.create(workspace=workspace, email=f"{name}@x.example")
        for target, status, consent in zip((a, b), states, ("explicit", "customer"), strict=True):
            if status:
                Subscription.objects.create(
                    list=target,
                    contact=one,
                    status=status,
                    consent=consent,
                    **Source("import", 1).columns,
                )
    return a, b


def agreed(file: Any, size: int = 1000) -> dict[str, int]:
    """The run's counts, which must be those that the check showed."""
    checked = importchecks.check(file, rows=None)
    counts = ran(file, size=size)
    seconds = counts.pop("seconds")
    assert seconds >= 0
    assert checked.counts == counts
    return counts


def statuses(target: List) -> dict[str, tuple[str, str]]:
    rows = Subscription.objects.filter(list=target).select_related("contact")
    return {row.contact.email.partition("@")[0]: (row.status, row.consent) for row in rows}


@pytest.mark.parametrize("known", ["fill", "overwrite"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("into", ["News", "=Offers, 特惠", ""])
def test_into_one_of_its_lists_it_changes_nothing(
    workspace: Workspace,
    everybody: dict[str, Contact],
    owner_client: Client,
    known: str,
    language: str,
    into: str,
) -> None:
    owner_client.cookies["django_language"] = language
    text = export(owner_client)
    before = everything()
    target = List.objects.filter(name=into).first()
    counts = agreed(chosen(received(workspace, text), target=target, known=known))
    assert everything() == before
    changes = "new updated rejected subscribed unsubscribed asked stopped unusable".split()
    assert not any(counts[name] for name in changes), counts
    # Whoever is on another list only is named as such, not as suppressed.
    assert counts["suppressed"] == sum(bool(case[2]) for case in EVERYBODY.values())


@pytest.mark.parametrize("part", ["list", "status", "unsubscribed", "q"])
def test_a_part_of_the_export_changes_nothing(
    workspace: Workspace, owner_client: Client, part: str
) -> None:
    """Of one list, with its own status, into another; and of other results."""
    a, b = pair(workspace, "News", "Offers")
    queries: dict[str, dict[str, str | int]] = {
        "list": {"list": b.pk},
        "status": {"list": b.pk, "status": "unsubscribed"},
        "unsubscribed": {"status": "unsubscribed"},
        "q": {"q": "left"},
    }
    for target in (a, b, None):
        text = export(owner_client, **queries[part])
        before = everything()
        agreed(chosen(received(workspace, text), target=target))
        assert everything() == before


@pytest.mark.parametrize(("first", "second"), ODD_NAMES)
def test_lists_of_any_name(
    workspace: Workspace, owner_client: Client, first: str, second: str
) -> None:
    for target in pair(workspace, first, second):
        before = everything()
        text = export(owner_client)
        counts = agreed(chosen(received(workspace, text), target=target), size=3)
        assert everything() == before
        assert counts["unchanged"] == len(PAIRS)


def test_an_attribute_that_is_named_like_one_of_our_columns(
    workspace: Workspace, owner_client: Client
) -> None:
    a, _b = pair(workspace, "News", "Offers")
    for key, label in (("one", "list: News"), ("two", "status"), ("three", "suppressed_at")):
        workspace.attributes.create(key=key, label=label)
    Contact.objects.update(attributes={"one": "unsubscribed", "two": "gold", "three": "never"})
    text = export(owner_client)
    before = everything()
    agreed(chosen(received(workspace, text), target=a))
    assert everything() == before


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_saved_by_a_spreadsheet(workspace: Workspace, owner_client: Client, delimiter: str) -> None:
    """Another delimiter, columns in another order, some taken out, lines above."""
    a, _b = pair(workspace, "News", "Offers, all")
    rows = list(csv.reader(io.StringIO(export(owner_client))))
    drop = {rows[0].index("status_reason"), rows[0].index("added_at")}
    order = sorted(set(range(len(rows[0]))) - drop, key=lambda n: -n)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["Contacts of 2026"])
    writer.writerows([row[n] for n in order] for row in rows)
    before = everything()
    agreed(chosen(received(workspace, out.getvalue()), target=a))
    assert everything() == before


@pytest.mark.parametrize("lists_of_each", [1, 12, 60])
def test_semicolons_of_list_columns_are_no_delimiter(
    workspace: Workspace, owner_client: Client, lists_of_each: int
) -> None:
    made = [
        List.objects.create(workspace=workspace, name=f"a; b; c; d {n}")
        for n in range(lists_of_each)
    ]
    for name in ("one", "two", "three"):
        one = Contact.objects.create(workspace=workspace, email=f"{name}@x.example")
        for target in made:
            Subscription.objects.create(
                list=target, contact=one, consent="explicit", **Source("import", 1).columns
            )
    text = export(owner_client)
    before = everything()
    file = received(workspace, text)
    assert file.dialect["delimiter"] == ","
    assert agreed(chosen(file, target=made[-1]))["unchanged"] == 3
    assert everything() == before


def test_a_list_that_got_another_name_since(workspace: Workspace, owner_client: Client) -> None:
    a, b = pair(workspace, "News", "Offers")
    text = export(owner_client)
    lists.change(a, name="News 2026", description="")
    lists.change(a, name="Brand news", description="")
    before = everything()
    agreed(chosen(received(workspace, text), target=a))
    assert everything() == before
    # The name now belongs to another list: the column is about neither for certain, and goes by
    # the name.
    lists.change(b, name="News", description="")
    before = everything()
    counts = agreed(chosen(received(workspace, text), target=a))
    assert counts["subscribed"] == 1  # only_b: on a list, left none
    assert statuses(a)["only_b"][0] == "subscribed"
    assert statuses(a)["left_a"][0] == "unsubscribed"
    assert statuses(b)["left_b"][0] == "unsubscribed"


def test_into_a_list_that_it_does_not_know(workspace: Workspace, owner_client: Client) -> None:
    """Nobody who left a list is put on it, and nobody is taken off it for leaving another."""
    pair(workspace, "News", "Offers")
    text = export(owner_client)
    there = List.objects.create(workspace=workspace, name="There")
    lists.subscribe(there, Contact.objects.filter(email="left_b@x.example"), source=BY_HAND)
    file = chosen(received(workspace, text), target=there)
    agreed(file)
    assert statuses(there) == {
        "left_b": ("subscribed", "unknown"),
        "only_a": ("subscribed", "explicit"),
        "only_b": ("subscribed", "customer"),
        # The weaker of both.
        "both": ("subscribed", "customer"),
    }


@pytest.mark.parametrize("new", [False, True])
def test_a_list_of_the_same_name_elsewhere_is_restored(
    workspace: Workspace, other_workspace: Workspace, owner_client: Client, new: bool
) -> None:
    pair(workspace, "News", "Offers")
    Suppression.objects.create(
        workspace=workspace, kind="address", value="both@x.example", reason="complained"
    )
    text = export(owner_client)
    there = None if new else List.objects.create(workspace=other_workspace, name="News")
    file = received(other_workspace, text)
    chosen(file, target=there, new_list="News" if new else "")
    counts = agreed(file, size=3)
    assert (counts["subscribed"], counts["unsubscribed"], counts["stopped"]) == (2, 2, 1)
    file.refresh_from_db()
    assert file.list is not None
    assert statuses(file.list) == {
        "only_a": ("subscribed", "explicit"),
        "left_b": ("subscribed", "explicit"),
        "left_a": ("unsubscribed", "explicit"),
        "left_both": ("unsubscribed", "explicit"),
    }
    assert mailed(other_workspace, file.list) == {"only_a@x.example", "left_b@x.example"}
    assert Suppression.objects.get(workspace=other_workspace).reason == "complained"


@pytest.mark.parametrize("listed", [True, False])
def test_elsewhere_nobody_who_left_is_mailed(
    workspace: Workspace, other_workspace: Workspace, owner_client: Client, listed: bool
) -> None:
    pair(workspace, "News", "Offers")
    text = export(owner_client)
    there = List.objects.create(workspace=other_workspace, name="There")
    counts = agreed(chosen(received(other_workspace, text), target=there if listed else None))
    people = Contact.objects.filter(workspace=other_workspace)
    lists.subscribe(there, people, source=BY_HAND)
    left = {name for name, states in PAIRS.items() if "unsubscribed" in states}
    assert mailed(other_workspace, there) == {f"{name}@x.example" for name in set(PAIRS) - left}
    assert counts["stopped"] == (0 if listed else len(left))
    stops = Suppression.objects.filter(workspace=other_workspace)
    assert set(stops.values_list("value", "reason")) == (
        set() if listed else {(f"{name}@x.example", "unsubscribed") for name in left}
    )


def test_what_was_written_into_the_file_is_heard(
    workspace: Workspace, owner_client: Client
) -> None:
    """A "no" that no list column accounts for, in the status or in the list's own column."""
    a, _b = pair(workspace, "News", "Offers")
    rows = list(csv.DictReader(io.StringIO(export(owner_client))))
    edits = {
        "only_a": {"status": "unsubscribed"},
        "both": {"list: News": "unsubscribed"},
        "left_b": {"list: News": "moved away"},
        "only_b": {"status": "complained"},
        "nowhere": {"list: News": "subscribed; explicit"},
    }
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    for row in rows:
        email = next(value for key, value in row.items() if "E-mail" in key)
        writer.writerow(row | edits.get(email.partition("@")[0], {}))
    counts = agreed(chosen(received(workspace, out.getvalue()), target=a))
    found = {name: status for name, (status, _consent) in statuses(a).items()}
    assert found["only_a"] == found["both"] == "unsubscribed"
    assert found["left_b"] == "subscribed"
    assert "nowhere" not in found
    assert counts["asked"] == 1
    assert Suppression.objects.get().value == "only_b@x.example"


def test_a_domain_that_complained(workspace: Workspace, owner_client: Client) -> None:
    """Whatever the reason of a domain's suppression, its addresses get none of their own."""
    a, _b = pair(workspace, "News", "Offers")
    Suppression.objects.create(
        workspace=workspace, kind="domain", value="x.example", reason="complained"
    )
    text = export(owner_client)
    before = everything()
    counts = agreed(chosen(received(workspace, text), target=a))
    assert everything() == before
    assert (counts["suppressed"], counts["stopped"]) == (len(PAIRS), 0)


def test_who_came_back_and_who_left_since_the_export(
    workspace: Workspace, owner_client: Client
) -> None:
    a, _b = pair(workspace, "News", "Offers")
    text = export(owner_client)
    Subscription.objects.filter(list=a, contact__email="both@x.example").update(
        status="unsubscribed", changed_at=timezone.now()
    )
    agreed(chosen(received(workspace, text), target=a))
    assert statuses(a)["both"][0] == "unsubscribed"


def test_the_pages_say_what_decides(workspace: Workspace, owner_client: Client) -> None:
    a, _b = pair(workspace, "News", "Offers")
    text = export(owner_client)
    there = List.objects.create(workspace=workspace, name="There")

    def page(target: List | None) -> str:
        file = chosen(received(workspace, text), target=target)
        columns = owner_client.get(reverse("import", args=["brand", file.pk])).content.decode()
        assert columns.count('<option value="list" selected>') == 2
        url = reverse("import_check", args=["brand", file.pk])
        return owner_client.get(url).content.decode()

    assert "The column “list: News” says who is on the list" in page(a)
    assert "no column is about the list “There”" in page(there)
    assert "Its columns are about: News, Offers." in page(there)
    assert "nobody is added to a list" in page(None)


def test_what_is_newly_suppressed_is_counted_and_opens(
    workspace: Workspace, other_workspace: Workspace, owner_client: Client
) -> None:
    data = "email,status\na@x.example,bounced\nb@x.example,unsubscribed\nc@x.example,active\n"
    Suppression.objects.create(
        workspace=workspace, kind="address", value="z@x.example", reason="manual"
    )
    file = chosen(received(workspace, data))
    check = owner_client.get(reverse("import_check", args=["brand", file.pk])).content.decode()
    assert "2 addresses would be suppressed from now on" in check
    assert agreed(file, size=2)["stopped"] == 2
    result = owner_client.get(reverse("import", args=["brand", file.pk])).content.decode()
    assert "2 addresses were suppressed, as the file says." in result
    url = f"{reverse('suppressions', args=['brand'])}?import={file.pk}"
    assert f'href="{url}"' in result
    shown = owner_client.get(url).content.decode()
    assert "a@x.example" in shown
    assert "b@x.example" in shown
    assert "z@x.example" not in shown


def test_by_the_command(
    workspace: Workspace,
    owner_client: Client,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    pair(workspace, "News", "Offers")
    path = tmp_path / "export.csv"
    path.write_text(export(owner_client), "utf-8")
    before = everything()
    for more in (["--dry-run"], []):
        call_command("import_contacts", str(path), "--workspace=brand", "--list=News", *more)
        said = capsys.readouterr().out
        assert "The column “list: News” says who is on the list" in said
        assert everything() == before


def test_a_new_list_never_is_an_archived_one(workspace: Workspace, owner_client: Client) -> None:
    """The check would speak of a new list, and the run would go into the old one."""
    List.objects.create(workspace=workspace, name="News", archived_at=timezone.now())
    file = received(workspace, "email\na@x.example\n")
    chosen_on_page = {
        **{name: file.dialect[name] for name in ("encoding", "header", "dates")},
        "delimiter": "comma",
        "list": "new",
        "new_list": "News",
        "consent": "unknown",
        "known": "fill",
        "column_0": "email",
    }
    url = reverse("import_columns", args=["brand", file.pk])
    answer = owner_client.post(url, chosen_on_page)
    assert answer.status_code == 200
    assert "An archived list has this name." in answer.content.decode()


# Edited in a spreadsheet --------------------------------------------------------------------------

STATUS_COLUMNS = ("status", "status_reason", "status_at", "suppressed_at", "added_at")


def without(text: str, *names: str) -> str:
    """The file with these columns taken out."""
    header, *rows = csv.reader(io.StringIO(text))
    left = [n for n, name in enumerate(header) if name not in names]
    out = io.StringIO()
    csv.writer(out).writerows([[row[n] for n in left] for row in (header, *rows)])
    return out.getvalue()


@pytest.mark.parametrize("gone", [("status",), ("suppressed_at",), ("added_at",), STATUS_COLUMNS])
def test_without_some_of_its_columns(
    workspace: Workspace, other_workspace: Workspace, owner_client: Client, gone: tuple[str, ...]
) -> None:
    """What its list columns say is heard, whatever else was taken out."""
    a, b = pair(workspace, "News", "Offers")
    text = without(export(owner_client), *gone)
    for target in (a, b):
        before = everything()
        agreed(chosen(received(workspace, text), target=target))
        assert everything() == before
    for place in (workspace, other_workspace):
        fresh = List.objects.create(workspace=place, name="Fresh")
        agreed(chosen(received(place, text), target=fresh))
        assert {one.partition("@")[0] for one in mailed(place, fresh)} == {
            "only_a", "only_b", "both",
        }  # fmt: skip
        assert not Suppression.objects.exists()
    same = List.objects.create(workspace=other_workspace, name="News")
    agreed(chosen(received(other_workspace, text), target=same))
    assert {one.partition("@")[0] for one in mailed(other_workspace, same)} == {
        name for name, (on_a, _) in PAIRS.items() if on_a == "subscribed"
    }


def test_a_header_in_capitals(workspace: Workspace, owner_client: Client) -> None:
    a, b = pair(workspace, "News", "Offers")
    header, rest = export(owner_client).split("\n", 1)
    for target in (a, b):
        before = everything()
        agreed(chosen(received(workspace, f"{header.upper()}\n{rest}"), target=target))
        assert everything() == before


def test_an_attribute_that_is_named_like_a_list_column_alone(workspace: Workspace) -> None:
    """Another program's file: its column is the attribute's, and says nothing of a list."""
    workspace.attributes.create(key="one", label="list: News")
    file = received(workspace, "email,list: News\na@x.example,gold\n")
    assert file.mapping == ["email", "attribute:one"]


# More lists than an import has columns ------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [("News", "Offers"), *ODD_NAMES])
def test_of_very_many_lists_one_column_says_it(
    workspace: Workspace,
    owner_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    second: str,
) -> None:
    monkeypatch.setattr("contacts.csvdetect.MAX_COLUMNS", 20)
    a, b = pair(workspace, first, second)
    List.objects.bulk_create(List(workspace=workspace, name=f"No. {n}") for n in range(20))
    text = export(owner_client)
    header = next(csv.reader(io.StringIO(text)))
    assert len(header) <= 20
    assert "lists" in header
    for target in (a, b):
        before = everything()
        counts = agreed(chosen(received(workspace, text), target=target))
        assert everything() == before
        assert counts["stopped"] == counts["subscribed"] == counts["unsubscribed"] == 0
    # On each of them as before it was lost.
    for target in (a, b):
        stood = statuses(target)
        Subscription.objects.filter(list=target).delete()
        agreed(chosen(received(workspace, text), target=target))
        assert statuses(target) == stood
    # A list that is new: nobody is on it, by what the file says.
    fresh = List.objects.create(workspace=workspace, name="Fresh")
    agreed(chosen(received(workspace, text), target=fresh))
    assert mailed(workspace, fresh) == set()


def test_an_export_with_all_the_lists_there_are_comes_back(
    workspace: Workspace, owner_client: Client
) -> None:
    a, _b = pair(workspace, "News", "Offers")
    List.objects.bulk_create(List(workspace=workspace, name=f"No. {n}") for n in range(520))
    text = export(owner_client)
    before = everything()
    agreed(chosen(received(workspace, text), target=a))
    assert everything() == before
