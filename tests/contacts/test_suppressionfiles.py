"""Suppressions from a file: nothing before a person says so, and nothing by doubt."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Contact, Suppression
from contacts.provenance import BY_HAND
from contacts.services import suppressionfiles
from contacts.services import suppressions as service
from contacts.services.suppressions import Wanted
from contacts.suppressionlines import Entry
from contacts.suppressionmodels import SuppressionFile
from tests.contacts.test_pages import undo

pytestmark = pytest.mark.django_db

FILE = (
    "value,reason,until,note\n"
    "a@x.example,Hard bounce,,=1+1\n"
    "b.example,spam complaint,,\n"
    "noreply*@*,,,\n"
    "c@x.example,gray,,\n"
    "d@x.example,gray,,\n"
    "e@x.example,odd,,\n"
    "nobody,,,\n"
)


def upload(client: Client, text: str = FILE, name: str = "stop.csv") -> str:
    file = SimpleUploadedFile(name, text.encode())
    url = reverse("import_suppressions", args=["brand"])
    answer = client.post(url, {"file": file}, follow=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def start(client: Client, **words: str) -> str:
    pk = SuppressionFile.objects.latest("pk").pk
    url = reverse("start_suppression_file", args=["brand", pk])
    answer = client.post(url, {f"word_{key}": value for key, value in words.items()}, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def values() -> dict[str, str]:
    return dict(Suppression.objects.order_by("value").values_list("value", "reason"))


def test_the_check_suppresses_nobody(owner_client: Client) -> None:
    page = upload(owner_client)
    assert "3 values are ready to be suppressed." in page
    assert "1 line is left out." in page
    assert "“gray”, on 2 lines" in page
    assert "“odd”, on 1 line" in page
    assert "The domain is not complete" in page
    assert not Suppression.objects.exists()


def test_words_are_explained_or_left_out(owner_client: Client) -> None:
    upload(owner_client)
    page = start(owner_client, gray="complained", odd="")
    assert "5 suppressions added." in page
    assert "2 lines were left out." in page
    assert values() == {
        "a@x.example": "hard_bounced",
        "b.example": "complained",
        "c@x.example": "complained",
        "d@x.example": "complained",
        "noreply*@*": "imported",
    }
    assert not SuppressionFile.objects.exists()
    assert "5 suppressions removed." in undo(owner_client, page)


@pytest.mark.parametrize("answer", ["", "manual", "erased", "nonsense", "subscribed"])
def test_another_answer_is_none(owner_client: Client, answer: str) -> None:
    upload(owner_client, "value,reason\na@x.example,gray\n")
    start(owner_client, gray=answer)
    assert values() == {}


def test_pasted_and_known_ones(owner_client: Client, workspace: Workspace) -> None:
    service.add(workspace, [Wanted(Entry("domain", "b.example"))], source=BY_HAND, by=None)
    url = reverse("import_suppressions", args=["brand"])
    owner_client.post(url, {"pasted": "b.example\na@x.example"})
    page = start(owner_client)
    assert "1 suppression added." in page
    assert "1 was suppressed already." in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose a file, or paste its lines."),
        ({"pasted": "   "}, "Choose a file, or paste its lines."),
        ({"pasted": "x" * 2_000_001}, "at most 2000000 characters"),
    ],
)
def test_nothing_to_read(owner_client: Client, data: dict[str, str], words: str) -> None:
    answer = owner_client.post(reverse("import_suppressions", args=["brand"]), data)
    assert words in answer.content.decode()
    assert not SuppressionFile.objects.exists()


def test_a_pattern_that_matches_everybody_stops_the_file(
    owner_client: Client, workspace: Workspace
) -> None:
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"a{n}@x.example") for n in range(10)
    )
    page = upload(owner_client, "a*@x.*\nb@y.example\n")
    assert "10 of 10" in page
    assert "Take it out of the file." in start(owner_client)
    assert values() == {}


def test_a_file_of_another_workspace(
    owner_client: Client, stranger_client: Client, other_workspace: Workspace
) -> None:
    upload(owner_client)
    pk = SuppressionFile.objects.get().pk
    for name in ("suppression_file", "start_suppression_file"):
        url = reverse(name, args=[other_workspace.slug, pk])
        assert stranger_client.post(url).status_code == 404
    assert values() == {}


def test_it_is_forgotten_after_a_day_and_when_it_is_done(owner_client: Client) -> None:
    upload(owner_client)
    SuppressionFile.objects.update(created_at=timezone.now() - timedelta(days=2))
    upload(owner_client, "a@x.example\n")
    assert SuppressionFile.objects.count() == 1
    pk = SuppressionFile.objects.get().pk
    start(owner_client)
    url = reverse("start_suppression_file", args=["brand", pk])
    assert owner_client.post(url).status_code == 404


def test_the_latest_few_are_kept(
    workspace: Workspace, other_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppressionfiles, "MOST_KEPT", 2)
    for name in ("first", "second", "third"):
        for one in (workspace, other_workspace):
            suppressionfiles.receive(one, name=name, data=b"a@x.example", by=None)
    kept = SuppressionFile.objects.filter(workspace=workspace).order_by("pk")
    assert list(kept.values_list("name", flat=True)) == ["second", "third"]


def test_an_export_is_read_again(owner_client: Client, workspace: Workspace, owner: User) -> None:
    until = timezone.now() + timedelta(days=30)
    wanted = [
        Wanted(Entry("address", "a@x.example"), "complained", None, "=cmd|x"),
        Wanted(Entry("domain", "b.example"), "unsubscribed"),
        Wanted(Entry("pattern", "noreply*@*"), "manual", until),
    ]
    service.add(workspace, wanted, source=BY_HAND, by=owner)
    service.add_erased(workspace, "gone@x.example", source=BY_HAND, by=owner)
    answer = owner_client.get(reverse("export_suppressions", args=["brand"]))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["kind"] for row in rows} == {"address", "domain", "pattern", "erased"}
    assert rows[0]["note"] == "'=cmd|x"  # no formula
    assert "gone@x.example" not in text
    Suppression.objects.all().delete()
    page = upload(owner_client, text)
    assert "An erased person" in page
    start(owner_client)
    found = Suppression.objects.order_by("kind").values_list("kind", "value", "reason", "note")
    assert list(found) == [
        ("address", "a@x.example", "complained", "=cmd|x"),
        ("domain", "b.example", "unsubscribed", ""),
        ("pattern", "noreply*@*", "imported", ""),
    ]
    kept = Suppression.objects.get(kind="pattern").until
    assert kept is not None
    assert timezone.localtime(kept).date() == timezone.localtime(until).date()


def test_a_viewer_may_not(workspace: Workspace, make_member: Callable[..., User]) -> None:
    client = Client()
    client.force_login(make_member(workspace, "viewer"))
    assert client.get(reverse("import_suppressions", args=["brand"])).status_code == 403
