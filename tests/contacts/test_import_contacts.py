"""`manage.py import_contacts`: what it prints, writes and exits with."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, Import, List, Subscription
from tests.contacts.files import torture
from tests.contacts.workbookfiles import xlsx

pytestmark = pytest.mark.django_db(transaction=True)

SHEETS = xlsx(
    {"Staff": {1: ["email"], 2: ["s@x.example"]}, "Customers": {2: ["email"], 3: ["c@x.example"]}}
)
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """(exit code, what --json printed) of an import of these bytes."""

    def run(data: bytes | str, *more: str) -> tuple[int, dict[str, Any]]:
        path = tmp_path / "people.csv"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        code = 0
        try:
            call_command("import_contacts", str(path), "--workspace=brand", "--json", *more)
        except SystemExit as end:
            code = int(str(end.code))
        return code, json.loads(capsys.readouterr().out)

    return run


def test_a_file_as_it_comes(run: Run, tmp_path: Path) -> None:
    data, expected = torture(2000, encoding="gb18030", delimiter="\t")
    rejects = tmp_path / "rejects.csv"
    code, counts = run(data, "--list=News", "--consent=explicit", f"--rejects={rejects}")
    assert code == 3
    assert (counts["state"], counts["rows"]) == ("finished", expected.rows)
    assert counts["new"] == expected.valid == Contact.objects.count()
    assert counts["rejected"] == expected.invalid
    assert counts["duplicate"] == expected.duplicates
    assert Subscription.objects.filter(consent="explicit").count() == expected.valid
    header, *lines = csv.reader(rejects.read_text("utf-8-sig").splitlines(keepends=True))
    assert header[:5] == ["Line", "Reason", "Imported", "Value", "email"]
    assert len(lines) == expected.invalid + expected.unusable


def test_nothing_rejected_is_0(run: Run) -> None:
    code, counts = run("email\na@b.example\n")
    assert (code, counts["new"], counts["rejected"]) == (0, 1, 0)


def test_dry_run_changes_nothing(run: Run, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    data = "email,city\na@b.example,X\nbad,Y\na@b.example,Z\n"
    code, counts = run(data, "--list=News", "--dry-run", f"--rejects={rejects}")
    assert code == 3
    assert (counts["new"], counts["rejected"], counts["duplicate"]) == (1, 1, 1)
    assert "The address has no @." in rejects.read_text("utf-8-sig")
    assert not Contact.objects.exists()
    assert not List.objects.exists()
    assert not Import.objects.exists()


def test_an_archived_list_is_refused(run: Run, workspace: Workspace) -> None:
    List.objects.create(workspace=workspace, name="News", archived_at=timezone.now())
    with pytest.raises(CommandError, match="News was archived"):
        run("email\na@b.example\n", "--list=News")
    assert not Contact.objects.exists()


def test_columns_and_reading_as_said(run: Run) -> None:
    data = "a;Ann;3/5/2024;x\nann@b.example;Ann;4/5/2024;y\n".replace("a;", "z@b.example;", 1)
    code, _counts = run(
        data,
        "--no-header",
        "--delimiter=;",
        "--dates=dmy",
        "--encoding=utf-8",
        "--map=#1=email",
        "--map=#2=first_name",
        "--map=#3=new:date",
        "--map=#4=ignore",
    )
    assert code == 0
    person = Contact.objects.get(email="z@b.example")
    assert person.first_name == "Ann"
    assert list(person.attributes.values()) == ["2024-05-03"]


def test_a_sheet_of_a_workbook(run: Run) -> None:
    run(SHEETS)
    assert [contact.email for contact in Contact.objects.all()] == ["s@x.example"]
    _code, counts = run(SHEETS, "--sheet=Customers", "--dry-run")
    assert counts["new"] == 1
    run(SHEETS, "--sheet=Customers")
    assert Contact.objects.filter(email="c@x.example").exists()


def test_known_contacts(run: Run) -> None:
    run("email,first_name\na@b.example,Ann\n")
    run("email,first_name\na@b.example,Bea\n", "--known=skip")
    assert Contact.objects.get().first_name == "Ann"
    run("email,first_name\na@b.example,Bea\n", "--known=overwrite")
    assert Contact.objects.get().first_name == "Bea"


@pytest.mark.parametrize(
    ("data", "more", "words"),
    [
        ("email\na@b.example\n", ["--map=town=city"], 'The file has no column "town"'),
        ("email\na@b.example\n", ["--map=email=town"], 'can\'t become "town"'),
        ("email\na@b.example\n", ["--map=email"], 'must look like "Header=target"'),
        ("name\nAnn\n", [], "No column holds e-mail addresses"),
        ("email\na@b.example\n", ["--delimiter=x"], "--delimiter must be"),
        ("email\n", [f"--map=#{'9' * 5000}=email"], "no column"),
        ("email\n", ["--map=#0=email"], "no column"),
        ("email\n", ["--map=#²=email"], "no column"),
        ("email\n", [f"--header-line={'9' * 5000}"], "number of a line"),
        (b"PK\x03\x04xl/", [], "ZIP file is damaged"),
        (SHEETS, ["--sheet=Friends"], 'no sheet "Friends" with rows. There are: Staff, Customers'),
        ("email\n", ["--sheet=Friends"], "the file is no workbook"),
        (SHEETS, ["--sheet=Customers", "--map=x=email"], 'no column "x"'),
        ("", [], "empty"),
    ],
)
def test_wrong_usage_says_what_to_do(
    run: Run, data: bytes | str, more: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        run(data, *more)
    assert caught.value.returncode == 2
    assert not Import.objects.exists()


def test_no_such_workspace_or_file(workspace: Workspace) -> None:
    with pytest.raises(CommandError, match=r'no workspace "brnd"\. There are: brand'):
        call_command("import_contacts", "x.csv", "--workspace=brnd")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_contacts", "/nowhere/x.csv", "--workspace=brand")
