"""The page of an import that was cancelled or stopped, and a file that was imported before."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Workspace
from contacts import encodings, tasks
from contacts.models import Contact, Import, Job, List, Suppression
from contacts.provenance import BY_HAND
from contacts.services import (
    importchecks,
    importfile,
    importreading,
    importrun,
    imports,
    importuploads,
    jobs,
)
from tests.contacts.test_archives import archive
from tests.contacts.test_imports import chosen, ran, received
from tests.contacts.workbookfiles import Cell, xlsx

pytestmark = pytest.mark.django_db(transaction=True)
LINES = "email\n" + "".join(f"p{n}@x.example\n" for n in range(6))


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.run_import, "delay", lambda _pk: None)
    monkeypatch.setattr(tasks.read_import, "delay", importreading.read)


def page(client: Client, import_: Import, query: str = "") -> str:
    return client.get(f"/w/brand/imports/{import_.pk}/{query}").content.decode()


def steps(page: str) -> list[str]:
    """The class of each step."""
    shown = page[page.index('<ol class="import-steps"') :].split("</ol>", maxsplit=1)[0]
    return [found or "" for found in re.findall(r'<li(?: class="(\w+)")?', shown)]


def cancel(client: Client, import_: Import) -> str:
    answer = client.post(f"/w/brand/imports/{import_.pk}/cancel/", follow=True)
    return str(answer.content.decode())


def partly(file: Import) -> None:
    """Imports the first lines, as a worker that is cancelled after a batch."""
    imports.start(file, enqueue=None)
    importrun.run(file.pk, size=2, seconds=0)


def test_cancelled_before_its_start(owner_client: Client, workspace: Workspace) -> None:
    shown = cancel(owner_client, received(workspace, LINES))
    assert steps(shown) == ["done", "stopped", "", ""]
    assert "The import is cancelled: nothing was imported." in shown
    assert "no contact has changed" in shown
    assert "View the contacts" not in shown
    assert "View what was imported" not in shown
    assert "Choose a file" in shown


def test_cancelled_before_its_first_batch(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, LINES))
    imports.start(file, enqueue=None)
    shown = cancel(owner_client, file)
    assert steps(shown) == ["done", "done", "done", "stopped"]
    assert "no contact has changed" in shown
    assert "View what was imported" not in shown
    # Its file is kept for a while.
    again = owner_client.post(f"/w/brand/imports/{file.pk}/again/")
    anew = Import.objects.latest("pk")
    assert again["Location"] == f"/w/brand/imports/{anew.pk}/?step=check"
    assert ran(anew)["new"] == 6


def test_cancelled_half_way(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, LINES))
    partly(file)
    shown = cancel(owner_client, file)
    assert steps(shown) == ["done", "done", "done", "stopped"]
    assert "The import was cancelled after 2 lines." in shown
    assert f'href="/w/brand/contacts/?import={file.pk}"' in shown
    assert "Check the file again, to import it" in shown
    found = owner_client.get(f"/w/brand/contacts/?import={file.pk}").content.decode()
    assert "p1@x.example" in found
    assert "p2@x.example" not in found


def test_failed_half_way(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, LINES))
    partly(file)
    Import.objects.update(state=Import.State.RUNNING)
    importrun.fail(file.pk, ValueError("x"))
    assert steps(page(owner_client, file))[-1] == "stopped"


def test_a_finished_one(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, LINES))
    ran(file)
    shown = page(owner_client, file)
    assert steps(shown) == ["done"] * 4
    assert "View the contacts" in shown
    assert "Check the file again" not in shown


# A file that was imported before ------------------------------------------------------------------

BEFORE = "imported this file before"


def uploaded(client: Client, data: bytes, name: str = "people.csv") -> Import:
    client.post("/w/brand/imports/new/", {"file": SimpleUploadedFile(name, data)})
    return Import.objects.latest("pk")


def test_a_file_that_was_imported_before(owner_client: Client, workspace: Workspace) -> None:
    long = b"x" * 6000
    lines = b"email,note\n" + b"".join(b"p%d@x.example,%s\n" % (n, long) for n in range(200))
    first = uploaded(owner_client, lines)
    assert first.size > importfile.CHUNK
    waiting = uploaded(owner_client, lines, "again.csv")
    assert BEFORE not in page(owner_client, waiting)  # not imported yet
    ran(chosen(first))
    for query in ("", "?step=check"):
        shown = page(owner_client, waiting, query)
        assert f"You {BEFORE}" in shown
        assert f'href="/w/brand/imports/{first.pk}/"' in shown
    # The same bytes in other pieces.
    pieces = [lines[:5], lines[5:900_000], lines[900_000:]]
    same = importuploads.receive(workspace, filename="x", pieces=pieces, by=None, limit=1 << 30)
    assert imports.earlier(same) == first
    assert imports.earlier(uploaded(owner_client, lines + b"\n")) is None
    imports.undo(first)
    assert BEFORE not in page(owner_client, waiting)


def test_another_workspace_says_nothing(workspace: Workspace, owner_client: Client) -> None:
    other = Workspace.objects.create(name="Other", slug="other")
    ran(chosen(received(other, LINES)))
    assert BEFORE not in page(owner_client, received(workspace, LINES))


def test_another_sheet_is_another_file(owner_client: Client, workspace: Workspace) -> None:
    rows: dict[int, list[Cell]] = {1: ["email"], 2: ["a@x.example"]}
    book = xlsx({"One": rows, "Two": rows})
    first = uploaded(owner_client, book, "a.xlsx")
    importreading.read(first.pk)
    first.refresh_from_db()
    ran(chosen(first))
    second = uploaded(owner_client, book, "a.xlsx")
    assert BEFORE in page(owner_client, second)
    owner_client.post(f"/w/brand/imports/{second.pk}/sheet/", {"sheet": "1"})
    assert BEFORE not in page(owner_client, second)


def test_home_says_it_once(owner_client: Client, workspace: Workspace) -> None:
    for _time in range(2):
        ran(chosen(received(workspace, "email\na@x.example\nwrong\n")))
    ran(chosen(received(workspace, "email\nwrong\n", name="other.csv")))
    home = owner_client.get("/w/brand/").content.decode()
    assert home.count("people.csv: 1 line was not imported") == 1
    assert home.count("other.csv: 1 line was not imported") == 1


# Names -------------------------------------------------------------------------------------------


def test_names_of_encodings_are_translated(owner_client: Client, workspace: Workspace) -> None:
    file = received(workspace, LINES)
    owner_client.post("/language/", {"language": "zh-hans"})
    shown = page(owner_client, file)
    for name in map(str, encodings.ENCODINGS.values()):
        assert ("(" in name and "Latin" not in name) == (name not in shown), name
    assert not Contact.objects.exists()
    assert not List.objects.exists()


# An import that was undone ------------------------------------------------------------------------


def test_an_undone_import_says_what_remains(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, LINES))
    ran(file)
    ran(chosen(received(workspace, "email\np0@x.example\np1@x.example\n")))
    imports.undo(file)
    shown = page(owner_client, file)
    assert "2 contacts that it had added are still here" in shown
    assert f'href="/w/brand/contacts/?import={file.pk}&amp;outcome=new"' in shown
    assert "What had happened to 6 lines before the undo" in shown
    assert "View the contacts" not in shown
    Contact.objects.all().delete()
    assert "All contacts that it had added are removed." in page(owner_client, file)


def test_an_undo_that_is_under_way(
    owner_client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = chosen(received(workspace, LINES))
    ran(file)
    monkeypatch.setattr(jobs, "SMALL", 2)
    job = imports.undo(file)
    assert isinstance(job, Job)
    shown = page(owner_client, file)
    assert "This import is being undone." in shown
    assert f'href="/w/brand/contacts/jobs/{job.pk}/"' in shown
    while jobs.run(job.pk):
        pass
    assert "This import is being undone." not in page(owner_client, file)


# Words about numbers -----------------------------------------------------------------------------


def test_the_tile_of_suppressed_people_is_told_in_words(
    owner_client: Client, workspace: Workspace
) -> None:
    Suppression.objects.create(
        workspace=workspace, kind="address", value="a@x.example", **BY_HAND.columns
    )
    lines = "email,status\na@x.example,bounced\nb@x.example,bounced\nc@x.example,complained\n"
    file = chosen(received(workspace, lines))
    assert importchecks.check(file).counts["suppressed"] == 3
    shown = owner_client.get(f"/w/brand/imports/{file.pk}/check/").content.decode()
    assert "1 address is suppressed already and left out" in shown
    assert "2 addresses would be suppressed from now on" in shown


def test_a_second_address_in_a_cell_is_told(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, 'email\n"a@x.example, b@x.example"\n'))
    shown = owner_client.get(f"/w/brand/imports/{file.pk}/check/").content.decode()
    assert "1 value is left out; the line below says why." in shown
    assert "only the first is imported" in shown


def test_the_size_of_a_packed_file(owner_client: Client, workspace: Workspace) -> None:
    data = archive({"people.csv": b"email\n" + b"a@x.example\n" * 5000})
    file = uploaded(owner_client, data, "people.zip")
    assert file.dialect["uploaded"] == len(data)
    for at in (f"/w/brand/imports/{file.pk}/", "/w/brand/imports/"):
        shown = " ".join(owner_client.get(at).content.decode().split())
        assert re.search(r"\d+ bytes \(58.6.KB unpacked\)", shown), at
