"""`python -m contacts.sheetreader`: a sheet of a workbook as CSV. Pure.

A workbook is read as a whole, and a small hostile file can ask for any amount of memory or time. So
it is read in this process, which has limits, and whose death harms nothing (contacts.workbooks).

Standard input: the workbook. Argument: the number of the sheet, or "" for the first one with rows
that can be read.
Standard output: a line of JSON, {"problem": ...} (a key of csvdetect.SENTENCES), or {"sheet": 0,
"sheets": [[0, "Sheet1"], ...]}, which are those with rows; then the CSV in UTF-8. Each row of the
sheet is one line, so that line numbers are row numbers: a line break in a cell becomes a space.
"""

import csv
import datetime as dt
import io
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TextIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from contacts.exceptions import ContactsError

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta

MOST_BYTES = 50 * 1024 * 1024
# Rows times columns, with the empty cells between: a full sheet of 500,000 people with ten columns.
MOST_CELLS = 5_000_000
# Such a sheet takes half of this.
MOST_MEMORY = 1024 * 1024 * 1024
MOST_SECONDS = 60
# Sheets that are looked into. Later ones can be chosen, whether they have rows or not.
LOOKED_INTO = 20
MOST_SHEETS = 200
LONGEST_NAME = 100
# Streams of old Office files.
PASSWORD = "EncryptedPackage".encode("utf-16-le")
DOCUMENTS = tuple(name.encode("utf-16-le") for name in ("WordDocument", "PowerPoint Document"))
MIDNIGHT = dt.time()
LAST = dt.datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - sheets know no zones


class SheetError(ContactsError):
    """The text is a key of csvdetect.SENTENCES."""


def limit_resources() -> None:
    with suppress(ValueError, OSError):  # some systems have no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def opened(data: bytes) -> CalamineWorkbook:
    """Raises SheetError."""
    if len(data) > MOST_BYTES:
        raise SheetError("workbook_large")
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise SheetError("workbook_password") from error
    except CalamineError as error:
        raise SheetError(_kind(data)) from error


def _kind(data: bytes) -> str:
    """A key of csvdetect.SENTENCES for a file that is no workbook."""
    if PASSWORD in data:
        return "workbook_password"
    return "document" if any(name in data for name in DOCUMENTS) else "workbook"


def sheets(workbook: CalamineWorkbook) -> list[tuple[int, str]]:
    """The number and name of each sheet with rows, or that can't be read: a person may choose it
    and is told then. Of hidden sheets only if there are no others."""
    tables = [
        (number, sheet)
        for number, sheet in enumerate(workbook.sheets_metadata[:MOST_SHEETS])
        if sheet.typ == SheetTypeEnum.WorkSheet
    ]
    shown = [one for one in tables if one[1].visible == SheetVisibleEnum.Visible]
    return [
        (number, sheet.name[:LONGEST_NAME])
        for place, (number, sheet) in enumerate(shown or tables)
        if place >= LOOKED_INTO or _has_rows(workbook, number)
    ]


def _has_rows(workbook: CalamineWorkbook, number: int) -> bool:
    try:
        return workbook.get_sheet_by_index(number).height > 0
    except CalamineError:
        return True


def rows(sheet: CalamineSheet) -> Iterator[list[str]]:
    """From row 1 on, without the empty cells at the end. Raises SheetError."""
    row, column = sheet.end or (0, 0)
    if (row + 1) * (column + 1) > MOST_CELLS:
        raise SheetError("workbook_large")
    for cells in sheet.iter_rows():
        texts = [text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        yield texts


def text(cell: Cell) -> str:
    """The cell as people see it in the sheet."""
    if isinstance(cell, str):
        return " ".join(cell.splitlines())
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        # A sheet has 15 digits, and shows no point in a whole number.
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e21 else f"{cell:.15g}"
    return str(cell) if isinstance(cell, int) else _time(cell)


def _time(cell: dt.date | dt.time | dt.timedelta) -> str:
    if isinstance(cell, dt.datetime):
        return _moment(cell)
    if isinstance(cell, dt.time):
        return _without_seconds(cell.isoformat("seconds"))
    if isinstance(cell, dt.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return _without_seconds(f"{minutes // 60}:{minutes % 60:02}:{seconds:02}")
    return cell.isoformat()


def _moment(cell: dt.datetime) -> str:
    # Days as fractions are not exact. Nothing is after the last second of the year 9999.
    exact = min(cell, LAST) + dt.timedelta(milliseconds=500)
    moment = exact.replace(microsecond=0)
    if moment.time() == MIDNIGHT:
        return moment.date().isoformat()
    return _without_seconds(moment.isoformat(" "))


def _without_seconds(time: str) -> str:
    return time.removesuffix(":00") if time.count(":") == 2 else time


def chosen(
    workbook: CalamineWorkbook, found: Sequence[tuple[int, str]], wanted: str
) -> tuple[int, CalamineSheet]:
    """The wanted sheet, or the first one that can be read. Raises SheetError, CalamineError."""
    numbers = [number for number, _name in found]
    if not numbers:
        raise SheetError("workbook_empty")
    if wanted.isdigit() and int(wanted) in numbers:
        try:
            return int(wanted), workbook.get_sheet_by_index(int(wanted))
        except CalamineError as error:
            raise SheetError("sheet" if len(numbers) > 1 else "workbook") from error
    for number in numbers[:LOOKED_INTO]:
        with suppress(CalamineError):
            return number, workbook.get_sheet_by_index(number)
    raise SheetError("workbook")


def written(out: TextIO, data: bytes, wanted: str) -> None:
    """Raises SheetError, CalamineError and MemoryError before anything is written."""
    workbook = opened(data)
    found = sheets(workbook)
    number, sheet = chosen(workbook, found, wanted)
    lines = rows(sheet)
    first = next(lines, [])
    out.write(json.dumps({"sheet": number, "sheets": found}) + "\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(first)
    writer.writerows(lines)


def main(wanted: str = "") -> None:
    limit_resources()
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
    try:
        written(out, sys.stdin.buffer.read(MOST_BYTES + 1), wanted)
    except (SheetError, CalamineError, MemoryError) as error:
        out.write(json.dumps({"problem": problem(error)}) + "\n")
    out.flush()


def problem(error: Exception) -> str:
    if isinstance(error, SheetError):
        return str(error)
    return "workbook_large" if isinstance(error, MemoryError) else "workbook"


if __name__ == "__main__":
    main(*sys.argv[1:2])
