"""Contacts and reports as CSV that is safe to open in a spreadsheet. Pure.

A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV
injection); `contacts.values.clean` takes it off again when the file is imported.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any

from contacts.values import APOSTROPHE

# Columns with the same names in every language: an import recognizes them (contacts.reimport).
# `suppressed_at` is read as "must not be mailed at all"; `status` sums up.
STATUS = ("status", "status_reason", "status_at", "suppressed_at")
ADDED = "added_at"
TAGS = "tags"
# All lists of a person in one column, if there are too many lists for a column each.
LISTS = "lists"
# Spreadsheets in East Asian languages read the full-width forms, too.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
ROWS_A_PIECE = 500
LINE_END = "\r\n"
# Cells with one of these are written in quotation marks (RFC 4180).
QUOTED = re.compile('[",\r\n]')


def list_column(name: str) -> str:
    return f"list: {name}"


def lists_cell(places: Iterable[tuple[str, str]]) -> str:
    """One line for each list: its name, and the cell that its own column would have."""
    return "\n".join(f"{name}: {cell}" for name, cell in places)


def safe(cell: Any) -> str:
    """The cell's text, not a formula."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int | float):
        return str(cell)
    text = str(cell)
    # An import would remove an apostrophe that belongs to the text.
    return f"'{text}" if text.startswith(FORMULA) or APOSTROPHE.match(text) else text


def stream(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The CSV in pieces: UTF-8 with a byte-order mark, by which Excel recognizes it."""
    out = StringIO()
    writer = csv.writer(out)
    out.write("\ufeff")
    writer.writerow([safe(cell) for cell in header])
    for number, row in enumerate(rows, 1):
        writer.writerow([safe(cell) for cell in row])
        if number % ROWS_A_PIECE == 0:
            yield _taken(out)
    yield _taken(out)


def line(cells: Iterable[Any]) -> str:
    """A part of a line of the CSV."""
    return ",".join(map(_quoted, map(safe, cells)))


def _quoted(text: str) -> str:
    if QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def stream_lines(header: Sequence[str], pieces: Iterable[Iterable[str]]) -> Iterator[bytes]:
    """The same of lines that are CSV already; one piece for each of `pieces`."""
    begin = f"\ufeff{line(header)}{LINE_END}"
    for lines in pieces:
        yield f"{begin}{LINE_END.join(lines)}{LINE_END}".encode()
        begin = ""
    if begin:
        yield begin.encode()


def _taken(out: StringIO) -> bytes:
    data = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return data
