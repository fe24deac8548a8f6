"""`python -m contacts.sheetreader`: a sheet of a workbook as CSV. Pure.

A workbook is read as a whole, and a small hostile file can ask for any amount of memory or time. So
it is read in this process, which has limits, and whose death harms nothing (contacts.workbooks).

Standard input: the workbook. Arguments: the number of the sheet, or "" for the first one with rows
that can be read; then the numbers of sheets that must not be looked into.
Standard output: lines of JSON. {"all": [[0, "Sheet1"], ...]} names the sheets, {"looking": 0} says
which one is read next: if that ends this process, it was too large. The last line is {"problem":
...} (a key of csvdetect.SENTENCES), or {"sheet": 0, "sheets": [[0, "Sheet1"], ...]}, which are
those with rows. Then follows the CSV in UTF-8. Each row of the sheet is one line, so that line
numbers are row numbers: a line break in a cell becomes a space.
"""

import csv
import datetime as dt
import io
import json
import re
import resource
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
# The first record of an old workbook (BOF of BIFF5 and BIFF8: size, version, "workbook"), which
# begins a sector, and those that may follow.
BOOK = re.compile(rb"\x09\x08(.)\x00(?=\x00[\x05\x06]\x05\x00)", re.DOTALL)
SECTOR = 512
WRITE_PROTECT, FILE_PASS = b"\x86\x00\x00\x00", b"\x2f\x00"
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
    if _is_encrypted(data):
        raise SheetError("workbook_password")
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise SheetError("workbook_password") from error
    except CalamineError as error:
        raise SheetError(_kind(data)) from error


def _is_encrypted(data: bytes) -> bool:
    """Whether an old workbook has a password: the record FilePass follows its first one, perhaps
    after WriteProtect (MS-XLS 2.1.7.20.3). The library says only that it is no workbook, or reads
    the encrypted cells."""
    for match in BOOK.finditer(data):
        if match.start() % SECTOR:
            continue
        at = match.end() + match[1][0]
        after = data[at : at + 8]
        if after.removeprefix(WRITE_PROTECT).startswith(FILE_PASS):
            return True
    return False


def _kind(data: bytes) -> str:
    """A key of csvdetect.SENTENCES for a file that is no workbook."""
    if PASSWORD in data:
        return "workbook_password"
    return "document" if any(name in data for name in DOCUMENTS) else "workbook"


def tables(workbook: CalamineWorkbook) -> list[tuple[int, str]]:
    """The number and name of each sheet with cells; of hidden ones only if there are no others."""
    found = [
        (number, sheet)
        for number, sheet in enumerate(workbook.sheets_metadata[:MOST_SHEETS])
        if sheet.typ == SheetTypeEnum.WorkSheet
    ]
    shown = [one for one in found if one[1].visible == SheetVisibleEnum.Visible]
    return [(number, sheet.name[:LONGEST_NAME]) for number, sheet in shown or found]


@dataclass(frozen=True, slots=True)
class Looking:
    """Reads sheets of the workbook, and says so before. `skipped`: those that are too large."""

    out: TextIO
    workbook: CalamineWorkbook
    skipped: frozenset[int]

    def at(self, number: int) -> CalamineSheet:
        """Raises CalamineError, MemoryError, and SheetError for a sheet that is too large."""
        if number in self.skipped:
            raise SheetError("sheet_large")
        self.out.write(json.dumps({"looking": number}) + "\n")
        self.out.flush()
        sheet = self.workbook.get_sheet_by_index(number)
        row, column = sheet.end or (0, 0)
        if (row + 1) * (column + 1) > MOST_CELLS:
            raise SheetError("sheet_large")
        return sheet

    def with_rows(self, found: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
        """Also those that can't be read: a person may choose one and is told then."""
        return [
            (number, name)
            for place, (number, name) in enumerate(found)
            if place >= LOOKED_INTO or self._has_rows(number)
        ]

    def _has_rows(self, number: int) -> bool:
        try:
            return self.at(number).height > 0
        except (CalamineError, MemoryError, SheetError):
            return True


def rows(sheet: CalamineSheet) -> Iterator[list[str]]:
    """From row 1 on, without the empty cells at the end."""
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
        return _clock(cell)
    if isinstance(cell, dt.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return _without_seconds(f"{minutes // 60}:{minutes % 60:02}:{seconds:02}")
    return cell.isoformat()


def _clock(cell: dt.time) -> str:
    """A time of day: what a workbook gives for a time, and for days before 1900, which its count of
    days does not have."""
    day = dt.datetime.combine(dt.date(1900, 1, 1), cell)  # a day, to round as others are
    rounded = min(day + dt.timedelta(milliseconds=500), dt.datetime.combine(day, LAST.time()))
    return _without_seconds(rounded.time().isoformat("seconds"))


def _moment(cell: dt.datetime) -> str:
    # Days as fractions are not exact. Nothing is after the last second of the year 9999.
    exact = min(cell, LAST) + dt.timedelta(milliseconds=500)
    moment = exact.replace(microsecond=0)
    if moment.time() == MIDNIGHT:
        return moment.date().isoformat()
    return _without_seconds(moment.isoformat(" "))


def _without_seconds(time: str) -> str:
    return time.removesuffix(":00") if time.count(":") == 2 else time


def wanted_sheet(looking: Looking, number: int, *, only: bool) -> CalamineSheet:
    """`only`: the workbook has no other one. Raises SheetError."""
    try:
        return looking.at(number)
    except CalamineError as error:
        raise SheetError("workbook" if only else "sheet") from error
    except (SheetError, MemoryError) as error:
        raise SheetError("workbook_large" if only else "sheet_large") from error


def first_sheet(looking: Looking, found: Sequence[tuple[int, str]]) -> tuple[int, CalamineSheet]:
    """The first one that can be read. Raises SheetError."""
    if not found:
        raise SheetError("workbook_empty")
    problem = "workbook"
    for number, _name in found[:LOOKED_INTO]:
        try:
            return number, looking.at(number)
        except (SheetError, MemoryError):
            problem = "workbook_large"
        except CalamineError:
            continue
    raise SheetError(problem)


def written(out: TextIO, data: bytes, wanted: str, skipped: Iterable[int] = ()) -> None:
    """Raises SheetError, CalamineError and MemoryError before any row is written."""
    workbook = opened(data)
    found = tables(workbook)
    out.write(json.dumps({"all": found}) + "\n")
    looking = Looking(out, workbook, frozenset(skipped))
    if wanted.isdigit() and int(wanted) in dict(found):
        number, only = int(wanted), len(found) == 1
        sheet = wanted_sheet(looking, number, only=only)
    else:
        found = looking.with_rows(found)
        number, sheet = first_sheet(looking, found)
    lines = rows(sheet)
    first = next(lines, [])
    out.write(json.dumps({"sheet": number, "sheets": found}) + "\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(first)
    writer.writerows(lines)


def main(wanted: str = "", *skipped: str) -> None:
    limit_resources()
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
    try:
        written(out, sys.stdin.buffer.read(MOST_BYTES + 1), wanted, map(int, skipped))
    except (SheetError, CalamineError, MemoryError) as error:
        out.write(json.dumps({"problem": problem(error)}) + "\n")
    out.flush()


def problem(error: Exception) -> str:
    if isinstance(error, SheetError):
        return str(error)
    return "workbook_large" if isinstance(error, MemoryError) else "workbook"


if __name__ == "__main__":
    main(*sys.argv[1:])
