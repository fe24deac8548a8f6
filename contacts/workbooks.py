"""Reads a sheet of a workbook (.xlsx, .xls, .xlsb, .ods) as CSV, in a process with limits. Pure.

The work is done by contacts.sheetreader.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contacts.csvdetect import NotCsvError

ROOT = Path(__file__).parent.parent
READER = "contacts.sheetreader"
PIECE = 64 * 1024
# The line before the CSV has the names of the sheets.
LONGEST_LINE = 1024 * 1024
# Problems of one sheet: others of the workbook may be read.
OF_A_SHEET = ("sheet", "sheet_large")
# How many sheets may end the reader before the first one is read.
MOST_SKIPPED = 3


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet that is read, and all that can be chosen: {number: name}. `pieces`: its CSV."""

    number: int
    sheets: dict[int, str]
    pieces: Iterator[bytes]


class SheetUnreadError(NotCsvError):
    """This sheet can't be read; `sheets`: all that can be chosen, {number: name}."""

    def __init__(self, kind: str, number: int, sheets: dict[int, str]) -> None:
        super().__init__(kind)
        self.number = number
        self.sheets = sheets


@contextmanager
def sheet(workbook: Iterable[bytes], number: int | None = None) -> Iterator[Sheet]:
    """The CSV of the sheet with this number, or of the first one with rows. Raises NotCsvError,
    also while `pieces` are read. The workbook is iterated again if one of its sheets is too large:
    the reader ends then, and another one leaves that sheet out."""
    skipped: list[int] = []
    while True:
        with _reader(workbook, number, skipped) as process:
            try:
                begun = _begun(process)
            except SheetUnreadError as error:
                if number is not None or len(skipped) == MOST_SKIPPED:
                    raise
                skipped.append(error.number)
                continue
            yield begun
            return


@contextmanager
def _reader(
    workbook: Iterable[bytes], number: int | None, skipped: Iterable[int]
) -> Iterator[subprocess.Popen[bytes]]:
    wanted = "" if number is None else str(number)
    command = [sys.executable, "-m", READER, wanted, *map(str, skipped)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin  # noqa: S101 - it is a pipe
        try:
            # It reads everything before it writes, so neither waits for the other.
            with suppress(BrokenPipeError), process.stdin as out:
                out.writelines(workbook)
            yield process
        finally:
            process.kill()


def _begun(process: subprocess.Popen[bytes]) -> Sheet:
    assert process.stdout  # noqa: S101 - it is a pipe
    sheets: dict[int, str] = {}
    at = None
    while line := process.stdout.readline(LONGEST_LINE):
        told = json.loads(line)
        sheets = dict(told.get("all", sheets))
        at = told.get("looking", at)
        if "problem" in told:
            raise _problem(told["problem"], at, sheets)
        if "sheet" in told:
            number, found = told["sheet"], dict(told["sheets"])
            return Sheet(number, found, _pieces(process, process.stdout, number, found))
    raise _died(process, at, sheets)


def _pieces(
    process: subprocess.Popen[bytes], out: IO[bytes], number: int, sheets: dict[int, str]
) -> Iterator[bytes]:
    while data := out.read(PIECE):
        yield data
    if process.wait():
        raise _died(process, number, sheets)


def _problem(kind: str, number: int | None, sheets: dict[int, str]) -> NotCsvError:
    if number is None or kind not in OF_A_SHEET:
        return NotCsvError(kind)
    return SheetUnreadError(kind, number, sheets)


def _died(
    process: subprocess.Popen[bytes], number: int | None, sheets: dict[int, str]
) -> NotCsvError:
    """A limit ends the reader by a signal; anything else is something that it can't read."""
    what = "sheet" if len(sheets) > 1 and number is not None else "workbook"
    kind = f"{what}_large" if process.wait() < 0 else what
    return _problem(kind, number, sheets)
