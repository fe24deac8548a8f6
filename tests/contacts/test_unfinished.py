"""Uploads whose import hasn't been started have a quota, and go in the end."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, User, Workspace
from accounts.permissions import Role
from contacts.models import Import, ImportChunk
from contacts.services import importuploads, unfinished
from contacts.tasks import drop_import_files
from tests.contacts.workbookfiles import Cell, xlsx

pytestmark = pytest.mark.django_db
MB = 1024 * 1024
LINES = b"email\na@x.example\n"


@pytest.fixture
def small(settings: Settings) -> None:
    settings.UNFINISHED_MAX_BYTES = 2 * MB


def begin(client: Client, size: int = 10) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"name": "a.csv", "size": size})
    answer = client.post("/w/brand/imports/begin/", body, content_type="application/json")
    return answer.status_code, answer.json()


def send(client: Client, url: str, offset: int, data: bytes) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"{url}?offset={offset}", data, content_type="application/octet-stream")
    return answer.status_code, answer.json()


def as_form(client: Client, data: bytes = LINES) -> str:
    answer = client.post("/w/brand/imports/new/", {"file": SimpleUploadedFile("a.csv", data)})
    return "" if answer.status_code == 302 else answer.content.decode()


def test_a_workbook_that_is_kept_beside_its_sheet_counts(
    owner: User, workspace: Workspace, small: None
) -> None:
    """Of several sheets; of one sheet the workbook is not kept."""
    rows: dict[int, list[Cell]] = {1: ["email", "city"], 2: ["a@x.example", "Bern"]}
    for sheets, kept in (({"One": rows, "Two": rows}, True), ({"One": rows}, False)):
        Import.objects.all().delete()
        data = xlsx(sheets)
        import_ = importuploads.begin(workspace, filename="a.xlsx", by=owner)
        importuploads.append(import_, 0, [data], limit=MB)
        importuploads.finish_upload(import_)
        import_.refresh_from_db()
        assert import_.aside == (len(data) if kept else 0)
        other = importuploads.begin(workspace, filename="b.csv", by=owner)
        assert unfinished.room(other) == 2 * MB - import_.size - import_.aside
        if kept:
            importuploads.choose_sheet(import_, 1)
            import_.refresh_from_db()
            assert import_.aside == len(data)


def test_a_person_has_so_many_and_a_cancelled_one_makes_room(
    owner_client: Client, workspace: Workspace
) -> None:
    for _ in range(unfinished.MOST_OF_PERSON):
        assert begin(owner_client)[0] == 200
    status, told = begin(owner_client)
    assert status == 409
    assert told["error"].startswith("You already have 20 files waiting to be imported, all your")
    assert "You already have 20 files" in as_form(owner_client)
    pasted = owner_client.post("/w/brand/imports/new/", {"pasted": "email\na@x.example"})
    assert "You already have 20 files" in pasted.content.decode()
    assert Import.objects.count() == unfinished.MOST_OF_PERSON
    first = Import.objects.first()
    assert first
    owner_client.post(f"/w/brand/imports/{first.pk}/cancel/")
    assert begin(owner_client)[0] == 200


def test_a_workspace_has_so_many_whoever_uploads(
    workspace: Workspace,
    other_workspace: Workspace,
    make_member: Callable[..., User],
    owner_client: Client,
) -> None:
    for number in range(3):
        somebody = make_member(workspace, Role.EDITOR, f"{number}@x.example")
        for _ in range(unfinished.MOST_OF_PERSON - 3):
            if Import.objects.count() < unfinished.MOST_FILES:
                importuploads.begin(workspace, filename="a", by=somebody)
    assert "This workspace already has 50 files" in begin(owner_client)[1]["error"]
    # Another workspace, and a command, are not concerned.
    importuploads.begin(other_workspace, filename="a", by=User.objects.first())
    importuploads.begin(workspace, filename="a", by=None)


def test_the_page_says_where_the_files_are_that_wait(
    owner: User,
    owner_client: Client,
    workspace: Workspace,
    other_workspace: Workspace,
    make_member: Callable[..., User],
) -> None:
    """Of the person in every workspace, of others in this one; nothing of elsewhere."""
    Membership.objects.create(workspace=other_workspace, user=owner, role=Role.EDITOR)
    colleague = make_member(workspace, Role.EDITOR, "colleague@x.example")
    here = importuploads.begin(workspace, filename="here.csv", by=colleague)
    there = importuploads.begin(other_workspace, filename="there.csv", by=owner)
    strange = importuploads.begin(other_workspace, filename="strange.csv", by=colleague)
    page = owner_client.get("/w/brand/imports/new/").content.decode()
    for file in (here, there):
        assert f'href="/w/{file.workspace.slug}/imports/{file.pk}/"' in page
    assert strange.filename not in page


def test_files_of_a_workspace_that_the_person_has_left_do_not_count(
    owner: User, owner_client: Client, other_workspace: Workspace
) -> None:
    """Nobody could tell the person where they are, or let them cancel one."""
    Membership.objects.filter(workspace=other_workspace, user=owner).delete()
    Import.objects.bulk_create(
        Import(workspace=other_workspace, filename="a", state="ready", created_by=owner)
        for _ in range(unfinished.MOST_OF_PERSON)
    )
    assert begin(owner_client)[0] == 200


@pytest.mark.usefixtures("small")
def test_bytes_that_are_announced(owner_client: Client) -> None:
    status, told = begin(owner_client, 2 * MB + 1)
    assert status == 409
    assert "may take up 2 MB together, and this one does not fit" in told["error"]
    assert not Import.objects.exists()


@pytest.mark.usefixtures("small")
def test_bytes_that_were_not_announced(owner_client: Client) -> None:
    """Pieces of two uploads, one of which lied about its size."""
    first, second = (begin(owner_client)[1]["upload"] for _ in range(2))
    assert send(owner_client, first, 0, b"x" * MB) == (200, {"next": MB})
    assert send(owner_client, second, 0, b"x" * MB) == (200, {"next": MB})
    status, told = send(owner_client, second, MB, b"x")
    assert status == 409
    assert "this one does not fit" in told["error"]
    assert told["next"] == MB
    assert ImportChunk.objects.count() == 2
    assert "this one does not fit" in as_form(owner_client)


@pytest.mark.usefixtures("small")
def test_a_form_stops_where_the_space_ends_and_leaves_nothing(owner_client: Client) -> None:
    assert "this one does not fit" in as_form(owner_client, b"x" * (3 * MB))
    assert not Import.objects.exists()
    assert as_form(owner_client) == ""


@pytest.mark.usefixtures("small")
def test_a_person_has_the_same_space_over_all_workspaces(
    owner: User, owner_client: Client, other_workspace: Workspace
) -> None:
    Membership.objects.create(workspace=other_workspace, user=owner, role=Role.EDITOR)
    Import.objects.create(
        workspace=other_workspace, filename="a", state="ready", size=2 * MB, created_by=owner
    )
    assert "this one does not fit" in begin(owner_client)[1]["error"]


@pytest.mark.usefixtures("small")
def test_imports_that_run_or_ended_take_none_of_it(
    owner: User, owner_client: Client, workspace: Workspace
) -> None:
    for state in ("queued", "running", "finished", "failed", "cancelled"):
        Import.objects.create(
            workspace=workspace, filename="a", state=state, size=2 * MB, created_by=owner
        )
    assert begin(owner_client)[0] == 200


def test_cancelling_what_was_not_started_drops_its_file(owner_client: Client) -> None:
    """Else uploading and cancelling in turn would fill the database."""
    assert as_form(owner_client) == ""
    file = Import.objects.get()
    owner_client.post(f"/w/brand/imports/{file.pk}/cancel/")
    file.refresh_from_db()
    assert file.state == Import.State.CANCELLED
    assert not ImportChunk.objects.exists()


@pytest.mark.parametrize(
    ("state", "age", "stays"),
    [
        ("uploading", timedelta(hours=23), True),
        ("uploading", timedelta(hours=25), False),
        ("ready", timedelta(days=6), True),
        ("ready", timedelta(days=8), False),
        ("queued", timedelta(days=8), True),
        ("finished", timedelta(days=8), True),
    ],
)
def test_old_ones_go(workspace: Workspace, state: str, age: timedelta, stays: bool) -> None:
    Import.objects.create(workspace=workspace, filename="a", state=state)
    Import.objects.update(created_at=timezone.now() - age, finished_at=timezone.now())
    drop_import_files()
    assert Import.objects.exists() == stays


def form_of(*fields: tuple[str, str | SimpleUploadedFile]) -> dict[str, Any]:
    """A form with these fields in this order; several may have one name."""
    form: dict[str, list[str | SimpleUploadedFile]] = {}
    for name, value in fields:
        form.setdefault(name, []).append(value)
    return dict(form)


def csv(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(f"{name}.csv", f"email\n{name}@x.example\n".encode())


def test_a_refused_form_leaves_nothing(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post("/w/brand/imports/new/", {"file": csv("a")})
    assert answer.status_code == 403
    assert not Import.objects.exists()


def test_a_form_that_is_too_large_behind_its_file_leaves_nothing(
    owner_client: Client, settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    form = form_of(("file", csv("a")), ("pasted", "x" * 2000))
    assert owner_client.post("/w/brand/imports/new/", form).status_code == 413
    assert not Import.objects.exists()


@pytest.mark.parametrize("after", [[], [("pasted", "")]], ids=["last", "before a field"])
def test_a_form_with_three_files_makes_one_import(owner_client: Client, after: Any) -> None:
    form = form_of(
        ("other", csv("other")), ("file", csv("a")), ("file", csv("b")), ("more", csv("c")), *after
    )
    answer = owner_client.post("/w/brand/imports/new/", form)
    kept = Import.objects.get()
    assert answer.status_code == 302
    assert (kept.filename, kept.state) == ("a.csv", Import.State.READY)
