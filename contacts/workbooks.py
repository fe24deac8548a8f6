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


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet that is read, and all that can be chosen: {number: name}. `pieces`: its CSV."""

    number: int
    sheets: dict[int, str]
    pieces: Iterator[bytes]


@contextmanager
def sheet(workbook: Iterable[bytes], number: int | None = None) -> Iterator[Sheet]:
    """The CSV of the sheet with this number, or of the first one with rows. Raises NotCsvError,
    also while `pieces` are read."""
    command = [sys.executable, "-m", READER, "" if number is None else str(number)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin and process.stdout  # noqa: S101, PT018 - they are pipes
        try:
            # It reads everything before it writes, so neither waits for the other.
            with suppress(BrokenPipeError), process.stdin as out:
                out.writelines(workbook)
            yield _begun(process)
        finally:
            process.kill()


def _begun(process: subprocess.Popen[bytes]) -> Sheet:
    assert process.stdout  # noqa: S101 - it is a pipe
    line = process.stdout.readline(LONGEST_LINE)
    if not line:
        raise _died(process)
    told = json.loads(line)
    if "problem" in told:
        raise NotCsvError(told["problem"])
    return Sheet(told["sheet"], dict(told["sheets"]), _pieces(process, process.stdout))


def _pieces(process: subprocess.Popen[bytes], out: IO[bytes]) -> Iterator[bytes]:
    while data := out.read(PIECE):
        yield data
    if process.wait():
        raise _died(process)


def _died(process: subprocess.Popen[bytes]) -> NotCsvError:
    """A limit ends the reader by a signal; anything else is something that it can't read."""
    return NotCsvError("workbook_large" if process.wait() < 0 else "workbook")
