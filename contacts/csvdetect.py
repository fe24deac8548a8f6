"""Guesses the encoding, delimiter and header of a CSV file from a sample.

Guesses are shown and can be changed, so they must be right for common files (exports of mail tools,
Excel in Western Europe and China), not for every file. Pure.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import StringIO
from itertools import islice, takewhile

from django.utils.translation import gettext_lazy as _

from contacts import addresses, columns, encodings
from contacts.csvfile import SEPARATOR_LINE, Dialect, mark_length
from contacts.exceptions import ContactsError

DELIMITERS = {
    ",": _("Comma (,)"),
    ";": _("Semicolon (;)"),
    "\t": _("Tab"),
    "|": _("Vertical bar (|)"),
}
SAMPLE_RECORDS = 200

# How many records may be the header.
HEADER_RECORDS = 60
# Files with more columns are refused: each column is a choice on a page.
MAX_COLUMNS = 500
# How many characters of a cell guesses use.
LOOKED_AT = 1000
# The score of a name for the address and one more known name: surely a header.
SURE = 4
# First bytes of other kinds of files. OLE: an old Office file.
OLE = b"\xd0\xcf\x11\xe0"
NOT_TEXT = {
    OLE: "workbook",
    b"%PDF": "pdf",
    b"\x1f\x8b": "compressed",
    b"BZh": "compressed",
    b"\xfd7zXZ\x00": "compressed",
    b"(\xb5/\xfd": "compressed",
    b"7z\xbc\xaf\x27\x1c": "archive",
    b"Rar!\x1a\x07": "archive",
    b"\x89PNG\r\n\x1a\n": "picture",
    b"\xff\xd8\xff": "picture",
    b"GIF87a": "picture",
    b"GIF89a": "picture",
    b"II*\x00": "picture",
    b"MM\x00*": "picture",
    b"8BPS": "picture",
    b"\x00\x00\x01\x00": "picture",
    b"{\\rtf": "document",
    b"SQLite format 3\x00": "other",
}
ZIP = b"PK\x03\x04"
# Names inside of a ZIP file of an Office program.
INSIDE = {
    "word/": "document",
    "ppt/": "document",
    "xl/": "workbook",
    "content.xml": "workbook",  # of LibreOffice; what is none can't be read
}
# Ends of names inside of a file of Numbers, Pages or Keynote.
APPLE = (".iwa", "buildversionhistory.plist")
# The first words of text files that are no tables. Some programs save a table as a web page.
FIRST_WORDS = {
    "contact_card": re.compile(rb"(?:\xef\xbb\xbf)?\s*begin:vcard\s", re.IGNORECASE),
    "web_page": re.compile(
        rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|table|workbook)[\s>]", re.IGNORECASE
    ),
}
# Control characters that no text has. NUL and the end-of-file mark of DOS occur in tables, too.
CONTROL = re.compile("[\x01-\x08\x0e-\x19\x1b\x1c-\x1f]")
# How many characters are checked, and the largest share of control characters in them.
CHECKED, MOST_CONTROL = 4096, 0.02


SENTENCES = {
    "workbook": _(
        "This workbook can't be read. Open it, save the sheet as CSV (UTF-8), and choose that file."
    ),
    "sheet": _(
        "This sheet of the workbook can't be read. Choose another sheet. Or open the workbook, "
        "save the sheet as CSV (UTF-8), and import that file."
    ),
    "sheet_large": _(
        "This sheet of the workbook is too large: it may have 5,000,000 cells, empty ones between "
        "included. Choose another sheet. Or save the sheet as CSV (UTF-8), and import that file."
    ),
    "workbook_broken": _(
        "This workbook is damaged or incomplete. Get it again, or open it in a spreadsheet "
        "program and save it as CSV (UTF-8). Then choose that file."
    ),
    "workbook_empty": _("There are no rows in this workbook. Choose another one."),
    "workbook_large": _(
        "This workbook is too large: it may have 50 MB and 5,000,000 cells, empty ones between "
        "included. Save the sheet as CSV (UTF-8), and choose that file."
    ),
    "workbook_password": _(
        "This workbook is protected by a password. Open it, save it without one, and choose it "
        "again."
    ),
    "zip": _("This is a ZIP file. Unpack it and choose the CSV file that is in it."),
    "zip_broken": _(
        "This ZIP file is damaged or incomplete. Make it again, or choose the CSV file itself."
    ),
    "zip_empty": _("There is no file in this ZIP file. Choose the CSV file itself."),
    "zip_encrypted": _(
        "This ZIP file is protected by a password. Unpack it and choose the CSV file that is in it."
    ),
    "zip_nested": _(
        "The file in this ZIP file is no CSV file. Unpack it and choose the file that is in it."
    ),
    "zip_ratio": _(
        "This ZIP file unpacks to more than a hundred times its size, so it was not read. Choose "
        "the CSV file itself."
    ),
    "zip_several": _(
        "Several files are in this ZIP file. Unpack it and choose the CSV files one by one."
    ),
    "zip_too_large": _(
        "The file in this ZIP file is too large. Unpack it and split it into several files."
    ),
    "archive": _("This is an archive. Unpack it and choose the CSV file that is in it."),
    "apple": _(
        "This is a file of Numbers, Pages or Keynote. Export it from there as CSV or Excel, and "
        "choose that file."
    ),
    "contact_card": _(
        "This is a contact card (vCard). Export the contacts as CSV from the program they are in."
    ),
    "pdf": _("This is a PDF. Export the contacts as CSV from the program they are in."),
    "picture": _("This is a picture. Export the contacts as CSV from the program they are in."),
    "document": _("This is a text document. Copy its table into a spreadsheet and save it as CSV."),
    "web_page": _(
        "This is a web page, whatever its name says. Open it with a spreadsheet program and save "
        "it as CSV (UTF-8)."
    ),
    "compressed": _("This file is compressed. Unpack it first."),
    "unreadable": _("This file could not be read. Save it as CSV (UTF-8), and choose that file."),
    "other": _("This file is not text. Export the contacts as CSV (UTF-8)."),
    "empty": _("The file is empty."),
    "columns": _(
        "The file has more than 500 columns. Keep those that you need, and save it again. If it "
        "has fewer, they are separated by another character."
    ),
}


class NotCsvError(ContactsError, ValueError):
    """The file is no table that can be read. `kind`: a key of SENTENCES; the text says what the
    file is and what to do."""

    def __init__(self, kind: str) -> None:
        super().__init__(str(SENTENCES[kind]))
        self.kind = kind


def kind_of(sample: bytes) -> str:
    """A key of SENTENCES if the sample is no text; "" if it may be a table."""
    if not sample.strip():
        return "empty"
    for magic, kind in NOT_TEXT.items():
        if sample.startswith(magic):
            return kind
    if sample.startswith(ZIP):
        return next((kind for name, kind in INSIDE.items() if name.encode() in sample), "zip")
    if (sample[:4] == b"RIFF" and sample[8:12] == b"WEBP") or sample[4:8] == b"ftyp":
        return "picture"
    if sample[:2] == b"BM" and sample[6:10] == bytes(4):  # a bitmap's reserved field
        return "picture"
    begun = sample[:CHECKED]
    return next((kind for kind, words in FIRST_WORDS.items() if words.match(begun)), "")


def is_packed(beginning: bytes) -> bool:
    """Whether a file that begins like this is a ZIP file or an old Office file."""
    return beginning.startswith((ZIP, OLE))


def kind_of_zip(names: Iterable[str]) -> str:
    """The kind of a ZIP file of an Office program, by the names in it; "" for any other one."""
    for name in names:
        if name.lower().endswith(APPLE):
            return "apple"
        for first, kind in INSIDE.items():
            if name.startswith(first):
                return kind
    return ""


def detect(sample: bytes) -> Dialect:
    """The dialect of the file that begins with `sample` (some 100 kB are plenty).

    Raises NotCsvError if it is no text.
    """
    if kind := kind_of(sample):
        raise NotCsvError(kind)
    encoding = encodings.detect(sample)
    text = decode_sample(sample, encoding)
    checked = text[:CHECKED]
    if len(CONTROL.findall(checked)) > MOST_CONTROL * len(checked):
        raise NotCsvError("other")
    delimiter = said_delimiter(text) or detect_delimiter(text)
    # Empty columns count, too: the page of columns would have a line for each.
    if is_too_wide(row for _line, row in islice(_rows(text, delimiter), SAMPLE_RECORDS)):
        raise NotCsvError("columns")
    return Dialect(encoding, delimiter, detect_header(records(text, delimiter)))


def of_sheet(sample: bytes) -> Dialect:
    """The dialect of the CSV that contacts.sheetreader wrote. Raises NotCsvError."""
    text = decode_sample(sample, "utf-8")
    if is_too_wide(row for _line, row in islice(_rows(text, ","), SAMPLE_RECORDS)):
        raise NotCsvError("columns")
    return Dialect("utf-8", ",", detect_header(records(text, ",")))


def is_too_wide(rows: Iterable[Sequence[str]]) -> bool:
    return any(len(row) > MAX_COLUMNS for row in rows)


def decode_sample(sample: bytes, encoding: str) -> str:
    """The sample's whole lines as text (all of it if it has a single line)."""
    mark = mark_length(sample)
    codec = encodings.codec(encoding)
    text = codecs.getincrementaldecoder(codec)("replace").decode(sample[mark:])
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text[: end + 1] if end > 0 else text


def said_delimiter(text: str) -> str:
    """The delimiter in Excel's `sep=;` line, if it is supported."""
    match = SEPARATOR_LINE.match(text)
    sign = match[1] if match else ""
    return sign if sign in DELIMITERS else ""


def detect_delimiter(text: str) -> str:
    """The delimiter that gives most records the same number of cells, more than one."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        first = islice((row for _line, row in _rows(text, delimiter) if row), SAMPLE_RECORDS)
        widths = Counter(map(len, first))
        width, count = max(
            ((width, count) for width, count in widths.items() if width > 1),
            key=lambda pair: pair[1],
            default=(0, 0),
        )
        score = (round(count / max(1, widths.total()), 1), width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def detect_header(rows: Sequence[tuple[int, list[str]]]) -> int:
    """The line of the header record; 0: there is none.

    Titles, an export's date and the like may come before it. A record with known column names is
    the header at any place among the first records. Otherwise it is the fullest record before the
    first one with an address.
    """
    first = rows[:HEADER_RECORDS]
    names = [_known_names(row) for _line, row in first]
    best = max(names, default=0)
    if best >= SURE:
        return first[names.index(best)][0]
    before = list(takewhile(lambda pair: not _is_person(pair[1]), first))
    if not before:
        return 0
    return max(before, key=lambda pair: (_known_names(pair[1]), sum(map(bool, pair[1]))))[0]


def _known_names(row: Sequence[str]) -> int:
    """How many of the record's cells are known column names; a name for the address counts three
    times. 0 for a person's record."""
    if _is_person(row):
        return 0
    folded = _folded(row)
    known = sum(name in columns.BY_NAME or name in columns.KEYS for name in folded)
    return known + 2 * _names_address(folded)


def _is_person(row: Sequence[str]) -> bool:
    """Whether the record contains an address, or a text like one. Beside a column name for
    addresses, "@handle" counts as a name."""
    looked_at = (cell[: LOOKED_AT + 1] for cell in row[:MAX_COLUMNS])
    cells = [cell for cell in looked_at if "@" in cell or "＠" in cell]
    if any(map(_is_address, cells)):
        return True
    tries = any(not any(map(str.isspace, cell.strip())) for cell in cells)
    return tries and not _names_address(_folded(row))


def _folded(row: Sequence[str]) -> list[str]:
    return [columns.fold(cell[:100]) for cell in row[:MAX_COLUMNS]]


def _names_address(folded: Sequence[str]) -> bool:
    return any(columns.BY_NAME.get(name) == "email" for name in folded)


def _is_address(text: str) -> bool:
    try:
        addresses.normalise(text)
    except addresses.AddressError as error:
        return error.reason == "several_addresses"
    return True


def records(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The first records of the text that are not empty, each with the line it begins on, up to one
    that can't be parsed. A `sep=` line is no record."""
    filled = (pair for pair in _rows(text, delimiter) if any(pair[1]))
    return list(islice(filled, SAMPLE_RECORDS))


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    match = SEPARATOR_LINE.match(text)
    line = first = 2 if match else 1
    reader = csv.reader(
        StringIO(text[match.end() if match else 0 :], newline=""), delimiter=delimiter
    )
    with suppress(csv.Error):
        for row in reader:
            yield line, row
            line = first + reader.line_num
