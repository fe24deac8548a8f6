"""Sheets of workbooks as CSV, and workbooks that can't be read."""

import csv
import datetime as dt
import io
import zipfile

import pytest

from contacts import csvdetect, sheetreader, workbooks
from contacts.csvdetect import OLE, NotCsvError
from tests.contacts.workbookfiles import (
    ERROR,
    Cell,
    Raw,
    formula,
    ods,
    packed,
    xls,
    xls_with_password,
    xlsb,
    xlsx,
    xlsx_with_password,
)


def read(data: bytes, number: int | None = None) -> list[list[str]]:
    with workbooks.sheet([data], number) as sheet:
        return list(csv.reader(io.StringIO(b"".join(sheet.pieces).decode())))


def refused(data: bytes, number: int | None = None) -> str:
    with pytest.raises(NotCsvError) as error:
        read(data, number)
    return error.value.kind


CELLS: dict[str, Cell] = {
    "Ann": "Ann",
    "00123": "00123",
    "one two": "one\ntwo",
    "13800138000": 13800138000,
    "8613800138000": 8613800138000.0,
    "4111111111111111": 4111111111111111,
    "3": 3.0,
    "-3": -3.0,
    "12.5": 12.5,
    "0.3": 0.1 + 0.2,
    "2026-03-07": dt.date(2026, 3, 7),
    "2026-03-07 14:30": dt.datetime(2026, 3, 7, 14, 30),  # noqa: DTZ001 - sheets know no zones
    "2026-03-07 09:20:01": dt.datetime(2026, 3, 7, 9, 20, 1),  # noqa: DTZ001
    "9999-12-31 23:59:59": Raw('s="2"', "<v>2958465.9999999</v>"),
    "09:05": dt.time(9, 5),
    # Days before 1900 have no number: only the time is left, which is rounded to a second.
    "00:00": Raw('s="1"', "<v>-1</v>"),
    "12:30": Raw('s="1"', "<v>0.520833</v>"),
    "30:15": dt.timedelta(hours=30, minutes=15),
    "yes": True,
    "no": False,
    "from a formula": formula('"from"&" a formula"', "from a formula"),
    "=HYPERLINK(1)": "=HYPERLINK(1)",
}


def test_cells_are_as_people_see_them() -> None:
    data = xlsx({"Sheet1": {1: [*CELLS.values(), ERROR, "end"]}})
    assert read(data) == [[*CELLS, "", "end"]]


def test_each_row_is_a_line_and_each_cell_in_its_column() -> None:
    data = xlsx({"Sheet1": {3: [None, "b\r\nc"], 6: ["a", None, "c", None]}})
    assert read(data) == [[], [], ["", "b c"], [], [], ["a", "", "c"]]


def test_sheets_with_rows_can_be_chosen() -> None:
    rows = {1: ["email"]}
    data = xlsx(
        {"Cover": {}, "客户": {1: ["first"]}, "Old": rows, "Hidden": rows}, hidden=["Hidden"]
    )
    with workbooks.sheet([data]) as sheet:
        assert (sheet.number, sheet.sheets) == (1, {1: "客户", 2: "Old"})
    assert read(data) == [["first"]]
    assert read(data, 2) == [["email"]]
    assert read(data, 3) == [["first"]]  # it can't be chosen
    assert read(xlsx({"Hidden": rows}, hidden=["Hidden"])) == [["email"]]


def test_a_sheet_of_libre_office() -> None:
    assert read(ods([["姓名", "email"], ["王", "a@x.example"]])) == [
        ["姓名", "email"],
        ["王", "a@x.example"],
    ]


def test_an_old_workbook() -> None:
    data = xls({1: ["客户"], 3: ["email", "手机"], 4: ["a@x.example", 13800138000]})
    assert read(data) == [["客户"], [], ["email", "手机"], ["a@x.example", "13800138000"]]


def test_a_binary_workbook() -> None:
    rows = [["email", "姓名"], ["a@x.example", "李明"]]
    assert read(xlsb(rows)) == rows


@pytest.mark.parametrize(
    "data",
    [
        xlsx_with_password(),
        xls_with_password(),
        xls_with_password(method=0),
        xls_with_password(protected=True),
    ],
    ids=["xlsx", "rc4", "xor", "protected"],
)
def test_a_password_is_named(data: bytes) -> None:
    assert csvdetect.is_packed(data[:8])
    assert refused(data) == "workbook_password"
    assert "protected by a password" in str(csvdetect.SENTENCES["workbook_password"])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (OLE + bytes(600), "workbook"),
        (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "workbook_password"),
        (OLE + bytes(600) + "WordDocument".encode("utf-16-le"), "document"),
        (b"PK\x03\x04xl/", "workbook"),
        (xlsx({"Sheet1": {1: ["x"]}})[:-30], "workbook"),
        (xlsx({"Sheet1": {}, "Sheet2": {}}), "workbook_empty"),
    ],
)
def test_what_can_not_be_read_says_so(data: bytes, kind: str) -> None:
    assert refused(data) == kind


def test_a_sheet_that_can_not_be_read_spoils_no_other() -> None:
    bad = "<sheetData><row><c"
    rows: dict[int, list[Cell]] = {1: ["email"]}
    data = changed(xlsx({"Bad": {}, "Empty": {}, "Good": rows}), "<sheetData>", bad)
    with workbooks.sheet([data]) as sheet:
        assert (sheet.number, sheet.sheets) == (2, {0: "Bad", 2: "Good"})
    assert read(data) == [["email"]]
    assert read(data, 2) == [["email"]]
    assert refused(data, 0) == "sheet"
    assert refused(changed(xlsx({"Bad": {}}), "<sheetData>", bad)) == "workbook"


def changed(data: bytes, old: str, new: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        parts = {name: made.read(name).decode() for name in made.namelist()}
    name = "xl/worksheets/sheet1.xml"
    assert old in parts[name]
    return packed(parts | {name: parts[name].replace(old, new)})


@pytest.mark.parametrize(
    "place", ["XFD1048576", "J500001"], ids=["more than memory", "more than cells"]
)
def test_a_sheet_of_two_cells_far_apart_is_too_large(place: str) -> None:
    row = place.lstrip("XFDJ")
    far = f'<row r="{row}"><c r="{place}"><v>1</v></c></row></sheetData>'
    data = changed(xlsx({"Sheet1": {1: ["x"]}}), "</sheetData>", far)
    assert refused(data) == "workbook_large"


def test_a_sheet_that_is_too_large_spoils_no_other() -> None:
    rows: dict[int, list[Cell]] = {1: ["email"]}
    for place, row in (("XFD1048576", 1048576), ("J500001", 500001)):
        far = f'<row r="{row}"><c r="{place}"><v>1</v></c></row></sheetData>'
        data = changed(xlsx({"Far": rows, "Good": rows, "Empty": {}}), "</sheetData>", far)
        with workbooks.sheet([data]) as sheet:
            assert (sheet.number, sheet.sheets) == (1, {0: "Far", 1: "Good"})
        assert read(data) == [["email"]] == read(data, 1)
        with pytest.raises(workbooks.SheetUnreadError) as error, workbooks.sheet([data], 0):
            pass
        assert (error.value.kind, error.value.number) == ("sheet_large", 0)
        assert error.value.sheets == {0: "Far", 1: "Good", 2: "Empty"}


def test_sheets_that_end_the_reader_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: dict[int, list[Cell]] = {1: ["email"]}
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    data = changed(xlsx({"Far": rows, "Good": rows}), "</sheetData>", far)
    monkeypatch.setattr(workbooks, "MOST_SKIPPED", 0)
    assert refused(data) == "sheet_large"
    assert read(data, 1) == [["email"]]


def test_a_reader_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "READER", "no.such.module")
    assert refused(xlsx({"Sheet1": {1: ["x"]}})) == "workbook"


def test_more_bytes_than_a_workbook_may_have() -> None:
    assert sheetreader.problem(_raised(bytes(sheetreader.MOST_BYTES + 1))) == "workbook_large"


def _raised(data: bytes) -> Exception:
    with pytest.raises(sheetreader.SheetError) as error:
        sheetreader.opened(data)
    return error.value
