"""Packed files: a worker reads them, and everything afterwards is as with a CSV file."""

import datetime as dt
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Workspace
from contacts import archives, mappings, tasks
from contacts.csvdetect import NotCsvError
from contacts.models import Contact, Import, ImportChunk, SavedMapping
from contacts.services import (
    importchoices,
    importfile,
    importreading,
    imports,
    importuploads,
    unfinished,
)
from tests.contacts.test_archives import archive
from tests.contacts.test_imports import chosen, ran, received
from tests.contacts.test_workbooks import changed
from tests.contacts.workbookfiles import Cell, ods, xlsx

pytestmark = pytest.mark.django_db
LINES = b"email,name\na@x.example,Ann\nwrong,Bob\n"


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The imports that workers were told to read."""
    numbers: list[int] = []
    monkeypatch.setattr(tasks.read_import, "delay", numbers.append)
    return numbers


def uploaded(client: Client, data: bytes, name: str = "people.zip") -> Import:
    answer = client.post("/w/brand/imports/new/", {"file": SimpleUploadedFile(name, data)})
    assert answer.status_code == 302
    import_ = Import.objects.latest("pk")
    assert answer["Location"] == f"/w/brand/imports/{import_.pk}/"
    return import_


def page(client: Client, import_: Import) -> str:
    return client.get(f"/w/brand/imports/{import_.pk}/").content.decode()


def test_a_zip_file_from_the_page(
    owner_client: Client, workspace: Workspace, told: list[int]
) -> None:
    import_ = uploaded(owner_client, archive({"people.csv": LINES}))
    assert import_.state == Import.State.READING
    assert told == [import_.pk]
    assert "The file is being unpacked and read." in page(owner_client, import_)
    moving = f"/w/brand/imports/{import_.pk}/progress/"
    assert "HX-Refresh" not in owner_client.get(moving)
    tasks.read_import(import_.pk)
    tasks.read_import(import_.pk)  # safe to run twice
    assert owner_client.get(moving)["HX-Refresh"] == "true"
    assert "What the columns are" in page(owner_client, import_)
    import_.refresh_from_db()
    assert import_.size == len(LINES)
    assert [bytes(chunk.data) for chunk in import_.chunks.all()] == [LINES]
    counts = ran(chosen(import_))
    assert (counts["new"], counts["rejected"]) == (1, 1)
    assert import_.rejects.get().line == 3


def test_a_zip_file_sent_in_pieces(owner_client: Client, told: list[int]) -> None:
    data = archive({"people.csv": LINES})
    begun = owner_client.post(
        "/w/brand/imports/begin/",
        json.dumps({"name": "people.zip", "size": len(data)}),
        content_type="application/json",
    ).json()
    owner_client.post(f"{begun['upload']}?offset=0", data, content_type="application/octet-stream")
    answer = owner_client.post(begun["finish"]).json()
    assert answer["next"]
    assert owner_client.post(begun["finish"]).json() == answer  # the first answer got lost
    importreading.read(told[0])
    assert Import.objects.get().state == Import.State.READY
    assert owner_client.post(begun["finish"]).json() == answer
    assert len(told) == 1


def test_a_large_zip_file_in_chunks(workspace: Workspace) -> None:
    lines = b"email\n" + b"".join(b"p%07d@x.example\n" % n for n in range(120_000))
    file = received(workspace, archive({"people.csv": lines}), name="people.zip")
    assert [chunk.number for chunk in file.chunks.order_by("number")] == [0, 1, 2]
    assert importfile.ChunkSource(file.pk).read(0, len(lines) + 1) == lines


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.csv": LINES, "b.csv": LINES}, "Several files are in this ZIP file."),
        ({"people.zip": archive({"a.csv": LINES})}, "The file in this ZIP file is no CSV file."),
        ({"scan.pdf": b"%PDF-1.7"}, "This is a PDF."),
        ({"word/document.xml": b"<x/>"}, "This is a text document."),
        ({"people.csv": b""}, "The file is empty."),
    ],
)
def test_other_archives_say_what_to_do(
    owner_client: Client, workspace: Workspace, files: dict[str, bytes], sentence: str
) -> None:
    import_ = uploaded(owner_client, archive(files))
    importreading.read(import_.pk)
    shown = page(owner_client, import_)
    assert sentence in shown
    assert "Choose another file" in shown
    assert not ImportChunk.objects.exists()
    assert not unfinished.waiting(workspace, import_.created_by).exists()  # type: ignore[arg-type]
    with pytest.raises(NotCsvError, match=sentence.rstrip(".")):
        received(workspace, archive(files))


def test_a_bomb_ends_at_the_limit(
    owner_client: Client, workspace: Workspace, settings: Settings
) -> None:
    settings.IMPORT_MAX_BYTES = 2 * importfile.CHUNK
    import_ = uploaded(owner_client, archive({"people.csv": bytes(8 * importfile.CHUNK)}))
    importreading.read(import_.pk)
    assert "The file in this ZIP file is too large." in page(owner_client, import_)
    assert not ImportChunk.objects.exists()


def test_the_sweeper_finds_a_file_that_nobody_reads(owner_client: Client, told: list[int]) -> None:
    import_ = uploaded(owner_client, archive({"people.csv": LINES}))
    told.clear()
    tasks.sweep_imports()
    assert told == [import_.pk]
    soon = timezone.now() + timedelta(minutes=1)
    Import.objects.update(leased_until=soon, holder="another")  # a worker reads it
    assert importreading.due() == []
    importreading.read(import_.pk)
    assert Import.objects.get().state == Import.State.READING
    Import.objects.update(leased_until=timezone.now() - timedelta(seconds=1))  # it was killed
    importreading.read(import_.pk)
    assert Import.objects.get().state == Import.State.READY


def test_a_cancel_while_the_file_is_read_wins(
    owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = uploaded(owner_client, archive({"people.csv": LINES}))
    guess = importchoices.guess_dates

    def cancelled(*given: object) -> str:
        imports.cancel(Import.objects.get())
        return guess(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(importchoices, "guess_dates", cancelled)
    importreading.read(import_.pk)
    assert Import.objects.get().state != Import.State.READY
    assert not Contact.objects.exists()


def test_an_error_of_ours_is_told(owner_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import_ = uploaded(owner_client, archive({"people.csv": LINES}))

    def broken(*_given: object) -> str:
        raise KeyError("x")

    monkeypatch.setattr(importchoices, "guess_dates", broken)
    importreading.read(import_.pk)
    assert "This file could not be read." in page(owner_client, import_)


CUSTOMERS: dict[int, list[Cell]] = {
    1: ["客户名单"],
    3: ["姓名", "电子邮件", "手机", "生日", "备注"],
    4: ["王伟", "wang@x.example", 13800138000, dt.date(1990, 3, 7), "见面于\n展会"],
    5: ["李娜", "li@x.example", 13900139000, dt.date(1985, 12, 31), None],
    7: ["张三", "没有", 13700137000, None, "电话联系"],
}


def test_a_workbook_as_a_chinese_colleague_sends_it(
    owner_client: Client, workspace: Workspace
) -> None:
    data = xlsx({"客户": CUSTOMERS, "说明": {1: ["请勿外传"]}})
    import_ = uploaded(owner_client, data, "客户名单.xlsx")
    importreading.read(import_.pk)
    import_.refresh_from_db()
    assert import_.dialect == {
        "encoding": "utf-8", "delimiter": ",", "header": 3, "dates": "",
        "sheet": 0, "sheets": [[0, "客户"], [1, "说明"]], "uploaded": len(data),
    }  # fmt: skip
    shown = page(owner_client, import_)
    assert "Sheet of the workbook" in shown
    assert "13800138000" in shown
    assert "1990-03-07" in shown
    assert 'type="hidden" name="encoding"' in shown
    columns = {f"column_{n}": target for n, target in enumerate(import_.mapping)}
    assert columns["column_0"] == "full_name"
    assert columns["column_1"] == "email"
    form = {"encoding": "utf-8", "delimiter": "comma", "header": "3", "dates": ""}
    owner_client.post(
        f"/w/brand/imports/{import_.pk}/columns/",
        form | columns | {"list": "", "consent": "customer", "known": "fill"},
    )
    import_.refresh_from_db()
    assert import_.dialect["sheets"] == [[0, "客户"], [1, "说明"]]
    counts = ran(import_)
    assert (counts["new"], counts["rejected"], counts["above"]) == (2, 1, 1)
    assert import_.rejects.get().line == 7
    wang = Contact.objects.get(email="wang@x.example")
    assert wang.full_name == "王伟"
    assert sorted(map(str, wang.attributes.values())) == [
        "13800138000",
        "1990-03-07",
        "见面于 展会",
    ]


def test_another_sheet_is_chosen(owner_client: Client, told: list[int]) -> None:
    rows: dict[int, list[Cell]] = {1: ["email"], 2: ["old@x.example"]}
    import_ = uploaded(owner_client, xlsx({"客户": CUSTOMERS, "Old": rows}), "a.xlsx")
    importreading.read(import_.pk)
    told.clear()
    url = f"/w/brand/imports/{import_.pk}/sheet/"
    assert (
        "in the workbook." in owner_client.post(url, {"sheet": "7"}, follow=True).content.decode()
    )
    assert not told
    # Also with the button of the check; what was chosen stays.
    chosen_so_far = {"sheet": "1", "list": "new", "new_list": "Feb", "consent": "explicit"}
    columns = url.replace("/sheet/", "/columns/")
    shown = owner_client.post(columns, chosen_so_far, follow=True).content.decode()
    assert "The file is being unpacked and read." in shown
    assert "The sheet “Old” is read." in shown
    assert told == [import_.pk]
    importreading.read(import_.pk)
    import_.refresh_from_db()
    assert (import_.dialect["sheet"], import_.mapping) == (1, ["email"])
    assert (import_.new_list, import_.consent, import_.known) == ("Feb", "explicit", "fill")
    for step in ("", "?step=check&now=1"):
        assert "a.xlsx · Old" in owner_client.get(f"/w/brand/imports/{import_.pk}/{step}").text
    import_.new_list = ""
    again = imports.again(import_, by=None)
    assert ran(chosen(import_))["new"] == 1
    importuploads.choose_sheet(again, 0)
    assert again.dialect["header"] == 3


DAMAGED = ("<sheetData>", "<sheetData><row><c")
FAR = ("</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')


@pytest.mark.parametrize(
    ("change", "sentence"),
    [(DAMAGED, "This sheet of the workbook can&#x27;t be read."), (FAR, "is too large")],
    ids=["damaged", "more than memory"],
)
def test_a_sheet_that_can_not_be_read_leaves_the_others(
    owner_client: Client, told: list[int], change: tuple[str, str], sentence: str
) -> None:
    rows: dict[int, list[Cell]] = {1: ["email"], 2: ["a@x.example"]}
    book = changed(xlsx({"Bad": {}, "Good": rows, "Other": rows}), *change)
    import_ = uploaded(owner_client, book, "a.xlsx")
    importreading.read(import_.pk)
    import_.refresh_from_db()
    assert import_.dialect["sheet"] == 1  # the first that can be read
    url = f"/w/brand/imports/{import_.pk}/"
    owner_client.post(f"{url}sheet/", {"sheet": "0", "list": "new", "new_list": "Feb"})
    importreading.read(import_.pk)
    import_.refresh_from_db()
    assert import_.state == Import.State.READY
    shown = page(owner_client, import_)
    assert sentence in shown
    assert "What the columns are" not in shown
    assert "Check what would happen" not in shown
    # Nothing of the sheet before can be imported by mistake.
    assert not import_.chunks.filter(number__gte=0).exists()
    form = {"encoding": "utf-8", "delimiter": "comma", "header": "0", "column_0": "email"}
    owner_client.post(f"{url}columns/", form | {"list": "", "consent": "unknown", "known": "fill"})
    owner_client.post(f"{url}start/")
    assert Import.objects.get().state == Import.State.READY
    owner_client.post(f"{url}sheet/", {"sheet": "2", "list": "new", "new_list": "Feb"})
    importreading.read(import_.pk)
    import_.refresh_from_db()
    assert (import_.error, import_.mapping, import_.new_list) == ("", ["email"], "Feb")
    import_.new_list = ""
    assert ran(chosen(import_))["new"] == 1


def test_a_sheet_of_too_many_columns_leaves_the_others(
    owner_client: Client, told: list[int]
) -> None:
    rows: dict[int, list[Cell]] = {1: ["email"], 2: ["a@x.example"]}
    import_ = uploaded(owner_client, xlsx({"Wide": {1: ["email"] * 501}, "Good": rows}), "a.xlsx")
    importreading.read(import_.pk)
    assert "more than 500 columns" in page(owner_client, import_)
    owner_client.post(f"/w/brand/imports/{import_.pk}/sheet/", {"sheet": "1"})
    importreading.read(import_.pk)
    assert Import.objects.get().mapping == ["email"]


def test_a_workbook_of_one_sheet_asks_nothing(owner_client: Client, workspace: Workspace) -> None:
    file = received(workspace, ods([["email"], ["a@x.example"]]))
    assert "Sheet of the workbook" not in page(owner_client, file)
    assert not file.chunks.filter(number__lt=0).exists()
    assert ran(chosen(file))["new"] == 1


def test_a_workbook_that_can_not_be_read(owner_client: Client, workspace: Workspace) -> None:
    locked = b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    import_ = uploaded(owner_client, locked, "a.xlsx")
    importreading.read(import_.pk)
    assert "This workbook is protected by a password." in page(owner_client, import_)
    wide = xlsx({"Wide": {1: ["email"] * 501}})
    with pytest.raises(NotCsvError, match="more than 500 columns"):
        received(workspace, wide)
    assert Import.objects.count() == 1


def many_parts() -> bytes:
    """A workbook with pictures, of more parts than a ZIP file may have."""
    rows: dict[int, list[Cell]] = {1: ["email"], 2: ["a@x.example"]}
    out = io.BytesIO(xlsx({"A": rows}))
    with zipfile.ZipFile(out, "a") as made:
        for number in range(archives.MOST_ENTRIES):
            made.writestr(zipfile.ZipInfo(f"xl/media/image{number}.png"), b"")
    return out.getvalue()


def test_a_workbook_of_very_many_parts(workspace: Workspace) -> None:
    assert ran(chosen(received(workspace, many_parts())))["new"] == 1


APPLE = {"Index/Document.iwa": bytes(300), "Metadata/BuildVersionHistory.plist": b"<plist/>"}
CARD = b"\xef\xbb\xbfBEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEMAIL:a@x.example\r\nEND:VCARD\r\n"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (xlsx({"A": CUSTOMERS})[:-30], "This workbook is damaged or incomplete."),
        (xlsx({"A": CUSTOMERS})[:900], "This workbook is damaged or incomplete."),
        (archive(APPLE), "This is a file of Numbers, Pages or Keynote."),
        (archive(APPLE)[:-30], "This is a file of Numbers, Pages or Keynote."),
        (archive({"people.vcf": CARD}), "This is a contact card"),
        (CARD, "This is a contact card"),
        (b"begin:vcard\nversion:4.0\nend:vcard\n", "This is a contact card"),
    ],
    ids="end beginning numbers damaged packed card lower".split(),
)
def test_what_the_file_is(workspace: Workspace, data: bytes, sentence: str) -> None:
    with pytest.raises(NotCsvError, match=sentence):
        received(workspace, data)


def test_a_sheet_whose_commas_are_fewer_than_its_semicolons(workspace: Workspace) -> None:
    rows: dict[int, list[Cell]] = {1: ["email"], 2: ["a@x.example; b; c; d"], 3: ["c@x.example; e"]}
    assert received(workspace, xlsx({"A": rows})).dialect["delimiter"] == ","


@pytest.mark.parametrize("pack", [archive, None], ids=["zip", "workbook"])
def test_a_saved_mapping_is_chosen_once_the_file_is_read(
    owner_client: Client, workspace: Workspace, pack: Any
) -> None:
    header: list[Cell] = ["Mail", "Nom du client"]
    saved = SavedMapping.objects.create(
        workspace=workspace,
        name="Shop",
        fingerprint=mappings.fingerprint([str(cell) for cell in header]),
        header=header,
        targets=["email", "last_name"],
    )
    data = (
        pack({"p.csv": b"Mail,Nom du client\na@x.example,Ann\n"})
        if pack
        else xlsx(
            {
                "People": {1: header, 2: ["a@x.example", "Ann"]},
                "Else": {1: ["email"], 2: ["b@x.example"]},
            }
        )
    )
    import_ = uploaded(owner_client, data, "people.zip" if pack else "people.xlsx")
    assert import_.saved_mapping_id is None
    importreading.read(import_.pk)
    read = Import.objects.get()
    assert (read.saved_mapping, read.mapping) == (saved, ["email", "last_name"])
    if not pack:
        importuploads.choose_sheet(read, 1)
        other = Import.objects.get()
        assert (other.saved_mapping, other.mapping) == (None, ["email"])
