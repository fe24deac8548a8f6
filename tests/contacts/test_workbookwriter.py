"""Rows as a workbook: each value has its type, no text is a formula; the format's limits."""

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from contacts import workbookwriter
from contacts.workbookwriter import LONGEST, Written

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x", "\t=1", "=HYPERLINK(1)"]
ODD = [
    '<r>&<b>"</r>',
    "<r></t></is></c></r>",
    "_x0041_",
    "a\x01b",
    "two\nlines",
    " blanks ",
    "雁书 🪿",
]


def made(
    tmp_path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], most_rows: int = 1_000
) -> tuple[Written, bytes]:
    path = tmp_path / "made.xlsx"
    done = workbookwriter.write(
        str(path), header, iter(rows), title="Contacts", most_rows=most_rows
    )
    return done, path.read_bytes()


def read(data: bytes, sheet: int = 0) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(sheet).to_python()


def xml(data: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return book.read(name).decode()


def test_each_value_has_its_type(tmp_path: Path) -> None:
    moment = dt.datetime(2026, 3, 5, 16, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    row = ["a@b.example", 12.5, 7, True, dt.date(2001, 2, 3), moment, None, "", "007"]
    _done, data = made(tmp_path, ["h"] * len(row), [row])
    assert read(data)[1] == [
        "a@b.example",
        12.5,
        7,
        True,
        dt.date(2001, 2, 3),
        # In UTC, as the cell says.
        dt.datetime(2026, 3, 5, 8, 30),  # noqa: DTZ001 - sheets know no zones
        "",
        "",
        "007",
    ]
    assert "UTC" in xml(data, "xl/styles.xml")


@pytest.mark.parametrize("text", [*FORMULAS, "https://x.example", "mailto:a@b.example", "1e5"])
def test_a_text_stays_a_text(tmp_path: Path, text: str) -> None:
    _done, data = made(tmp_path, [text], [[text]])
    sheet = xml(data, "xl/worksheets/sheet1.xml")
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert read(data) == [[text], [text]]


def test_a_text_like_a_formula_has_excels_mark(tmp_path: Path) -> None:
    _done, data = made(tmp_path, ["h"], [[text] for text in [*FORMULAS, "plain"]])
    assert 'quotePrefix="1"' in xml(data, "xl/styles.xml")
    sheet = xml(data, "xl/worksheets/sheet1.xml")
    plain = sheet.partition(f'r="A{len(FORMULAS) + 2}"')[2].partition(">")[0]
    assert "s=" not in plain
    first = sheet.partition('r="A2"')[2].partition(">")[0]
    assert "s=" in first


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_come_back(tmp_path: Path, text: str) -> None:
    _done, data = made(tmp_path, ["h"], [[text]])
    found = read(data)[1][0]
    # The reader does not undo the format's way to write control characters.
    assert found == text or text in {"a\x01b", "_x0041_"}


def test_numbers_and_dates_that_excel_would_change_are_texts(tmp_path: Path) -> None:
    values = [12345678901234567890, dt.date(1899, 12, 31), "0000-00-00"]
    _done, data = made(tmp_path, ["h"], [[value] for value in values])
    assert [row[0] for row in read(data)[1:]] == [
        "12345678901234567890",
        "1899-12-31",
        "0000-00-00",
    ]


def test_rows_beyond_a_sheet_are_on_the_next(tmp_path: Path) -> None:
    done, data = made(tmp_path, ["n"], [[number] for number in range(7)], most_rows=4)
    assert (done.rows, done.sheets, done.cut) == (7, 3, 0)
    names = CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names
    assert names == ["Contacts", "Contacts 2", "Contacts 3"]
    assert [read(data, number) for number in range(3)] == [
        [["n"], [0], [1], [2]],
        [["n"], [3], [4], [5]],
        [["n"], [6]],
    ]


def test_a_full_sheet_makes_no_empty_one(tmp_path: Path) -> None:
    done, _data = made(tmp_path, ["n"], [[1], [2], [3]], most_rows=4)
    assert done.sheets == 1


def test_a_long_text_is_cut_and_counted(tmp_path: Path) -> None:
    fits, wide = "x" * LONGEST, "🪿" * LONGEST
    long_tag = "<r>" + "&" * (LONGEST - 7) + "</r>"
    done, data = made(tmp_path, ["h"], [[fits], [fits + "x"], [wide], [long_tag]])
    rows = [row[0] for row in read(data)[1:]]
    assert done.cut == 2
    assert rows[0] == fits
    assert rows[1] == "x" * (LONGEST - 1) + "…"
    assert len(rows[2].encode("utf-16-le")) // 2 <= LONGEST
    assert rows[2].endswith("🪿…")
    assert rows[3].startswith("<r>&&&")


def test_nothing_but_the_header(tmp_path: Path) -> None:
    done, data = made(tmp_path, ["E-mail address"], [])
    assert done.rows == 0
    assert read(data) == [["E-mail address"]]
