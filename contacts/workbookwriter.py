"""Writes rows as a workbook (.xlsx) in little memory. Pure.

Each text is written as a text: no formula, no link, no number. A text that a spreadsheet would take
for a formula also gets Excel's own mark for texts (the apostrophe that a person would type): it
stays a text when somebody edits the cell. A row is on the disk before the next one is made.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from contacts.exports import FORMULA

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Limits of the format (Microsoft, "Excel specifications and limits"). The length is in UTF-16
# units.
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
LONGEST = 32_767
# Numbers with more digits are written as texts: Excel has 15.
MOST_WHOLE = 999_999_999_999_999
# Excel counts days from 1900, and believes that this year was a leap year.
FIRST_DAY = dt.date(1900, 3, 1)
WIDTH = 18
NO_STRINGS = ("strings_to_numbers", "strings_to_formulas", "strings_to_urls")
OPTIONS = {"constant_memory": True, "in_memory": False} | dict.fromkeys(NO_STRINGS, False)


@dataclass(slots=True)
class Written:
    """What was written. `cut`: cells whose text was longer than a cell can be."""

    rows: int = 0
    sheets: int = 0
    cut: int = 0


def write(
    path: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str,
    most_rows: int = MOST_ROWS,
) -> Written:
    """The file at `path`. Rows without room on a sheet are on the next one. `title`: the name of
    the sheets, of at most 25 characters. Moments are written in UTC, and say so."""
    with Workbook(path, OPTIONS) as book:
        return _Writer(book, title, header, most_rows).write(rows)


class _Writer:
    def __init__(self, book: Workbook, title: str, header: Sequence[str], most_rows: int) -> None:
        self._book, self._title, self._header, self._most = book, title, header, most_rows
        self._bold: Format = book.add_format({"bold": True})
        self._day: Format = book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment: Format = book.add_format({"num_format": 'yyyy-mm-dd hh:mm:ss "UTC"'})
        self._quoted: Format = book.add_format({"quote_prefix": True})
        self._done = Written()

    def write(self, rows: Iterable[Sequence[Any]]) -> Written:
        sheet, row = self._sheet(), 0
        for cells in rows:
            row += 1
            if row == self._most:
                sheet, row = self._sheet(), 1
            for column, cell in enumerate(cells[:MOST_COLUMNS]):
                self._cell(sheet, row, column, cell)
            self._done.rows += 1
        return self._done

    def _sheet(self) -> Worksheet:
        self._done.sheets += 1
        number = self._done.sheets
        sheet = self._book.add_worksheet(self._title if number == 1 else f"{self._title} {number}")
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, max(0, len(self._header) - 1), WIDTH)
        for column, text in enumerate(self._header):
            self._text(sheet, 0, column, text, self._bold)
        return sheet

    def _cell(self, sheet: Worksheet, row: int, column: int, cell: Any) -> None:
        if cell is None or cell == "":
            return
        if isinstance(cell, bool):
            sheet.write_boolean(row, column, cell)
        elif isinstance(cell, int | float) and abs(cell) <= MOST_WHOLE:
            sheet.write_number(row, column, cell)
        elif isinstance(cell, dt.datetime):
            plain = cell.astimezone(dt.UTC).replace(tzinfo=None)
            sheet.write_datetime(row, column, plain, self._moment)
        elif isinstance(cell, dt.date) and cell >= FIRST_DAY:
            sheet.write_datetime(row, column, dt.datetime(*cell.timetuple()[:3]), self._day)  # noqa: DTZ001 - sheets know no zones
        else:
            text = str(cell)
            self._text(sheet, row, column, text, self._quoted if _is_formula(text) else None)

    def _text(
        self, sheet: Worksheet, row: int, column: int, text: str, style: Format | None
    ) -> None:
        if _units(text) > LONGEST:
            text, self._done.cut = _cut(text), self._done.cut + 1
        # xlsxwriter writes a text between these tags as it is, as XML.
        if text.startswith("<r>") and text.endswith("</r>"):
            # Escaped, a character has at most five.
            text = f'<r><t xml:space="preserve">{escape(text[: LONGEST // 6])}</t></r>'
        sheet.write_string(row, column, text, style)


def _is_formula(text: str) -> bool:
    return text.startswith(FORMULA)


def _units(text: str) -> int:
    # Most texts are too short to be counted.
    return len(text.encode("utf-16-le")) // 2 if len(text) > LONGEST // 2 else len(text)


def _cut(text: str) -> str:
    """The beginning of the text, and a sign that more followed."""
    begin = text.encode("utf-16-le")[: (LONGEST - 1) * 2].decode("utf-16-le", "ignore")
    return f"{begin}…"
