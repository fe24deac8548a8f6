"""How a CSV file is written: encoding, delimiter and header, guessed from a sample.

Every guess is shown and can be changed, so a guess must be right for the files that people have
(exports of mail tools, Excel in Western Europe and China), not for every file. Pure.
"""

import codecs
import csv
import re
from collections import Counter
from io import StringIO

from django.utils.translation import gettext_lazy as _

from contacts import addresses
from contacts.csvfile import Dialect, mark_length

# What may be chosen, with the name that people know.
ENCODINGS = {
    "utf-8": "UTF-8",
    "gb18030": "GB18030 / GBK",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp1252": "Windows-1252",
    "latin-1": "ISO 8859-1 (Latin-1)",
    "big5": "Big5",
}
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
DELIMITERS = {
    ",": _("Comma (,)"),
    ";": _("Semicolon (;)"),
    "\t": _("Tab"),
    "|": _("Vertical bar (|)"),
}
SAMPLE_RECORDS = 200

# Pairs of GB 2312: signs, full-width letters and the common Chinese characters. Latin-1 text that
# happens to decode as GB18030 has hardly any of them.
GB_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
GB_COMMON = re.compile(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]")
NOT_TEXT = {
    b"PK\x03\x04": "workbook",
    b"\xd0\xcf\x11\xe0": "workbook",
    b"%PDF": "pdf",
    b"\x1f\x8b": "compressed",
}


class NotCsvError(ValueError):
    """The file is no text table; the text says what it is and what to do."""


SENTENCES = {
    "workbook": _(
        "This is a spreadsheet workbook or a ZIP file. Open it and save the sheet as CSV (UTF-8)."
    ),
    "pdf": _("This is a PDF. A CSV file is needed."),
    "compressed": _("This file is compressed. Unpack it first."),
    "empty": _("The file is empty."),
}


def detect(sample: bytes) -> Dialect:
    """The dialect of the file that begins with `sample` (some 100 kB are plenty).

    Raises NotCsvError if it is no text.
    """
    for magic, kind in NOT_TEXT.items():
        if sample.startswith(magic):
            raise NotCsvError(str(SENTENCES[kind]))
    if not sample.strip():
        raise NotCsvError(str(SENTENCES["empty"]))
    encoding = detect_encoding(sample)
    text = decode_sample(sample, encoding)
    delimiter = detect_delimiter(text)
    return Dialect(encoding, delimiter, detect_header(records(text, delimiter)))


def detect_encoding(sample: bytes) -> str:
    """Name for `Dialect.encoding`; the sample may end inside a character."""
    for mark, encoding in MARKS.items():
        if sample.startswith(mark):
            return encoding
    if wide := _without_mark(sample):
        return wide
    if sample.isascii() or _mostly_utf8(sample):
        return "utf-8"
    if _mostly_chinese(sample):
        return "gb18030"
    # Windows-1252 has five bytes without a meaning; Latin-1 has none.
    return "latin-1" if "\ufffd" in sample.decode("cp1252", "replace") else "cp1252"


def _without_mark(sample: bytes) -> str:
    """UTF-16 without a byte-order mark: every other byte of ASCII text is zero."""
    pairs = len(sample) // 2
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > pairs * 0.3 and even < pairs * 0.05:
        return "utf-16-le"
    if even > pairs * 0.3 and odd < pairs * 0.05:
        return "utf-16-be"
    return ""


def _mostly_utf8(sample: bytes) -> bool:
    """UTF-8, but for a few spoilt bytes: those spoil lines, not the guess."""
    text = sample.decode("utf-8", "replace")
    if len(sample) > 3 and text.endswith("\ufffd"):  # the sample was cut inside a character
        text = text.rstrip("\ufffd")
    wide = sum(1 for character in text if character > "\x7f")
    return text.count("\ufffd") * 20 <= wide


def _mostly_chinese(sample: bytes) -> bool:
    text = sample.decode("gb18030", "replace")
    pairs = GB_PAIR.findall(sample)
    common = sum(1 for pair in pairs if GB_COMMON.match(pair))
    return text.count("\ufffd") * 20 <= len(pairs) and common >= len(pairs) * 0.6


def decode_sample(sample: bytes, encoding: str) -> str:
    """The sample's whole lines as text (all of it if it has a single line)."""
    mark = mark_length(sample)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample[mark:])
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text[: end + 1] if end > 0 else text


def detect_delimiter(text: str) -> str:
    """The delimiter that gives most records the same number of cells, more than one."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in records(text, delimiter))
        width, count = max(
            ((width, count) for width, count in widths.items() if width > 1),
            key=lambda pair: pair[1],
            default=(0, 0),
        )
        score = (round(count / max(1, widths.total()), 1), width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def detect_header(rows: list[list[str]]) -> bool:
    """Whether the first record names the columns: it has no address in it."""
    return bool(rows) and not any(_is_address(cell) for cell in rows[0])


def _is_address(text: str) -> bool:
    if "@" not in text and "＠" not in text:
        return False
    try:
        addresses.normalise(text)
    except addresses.AddressError:
        return False
    return True


def records(text: str, delimiter: str) -> list[list[str]]:
    """The first records of the text that are not empty; what can't be parsed ends them."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(StringIO(text, newline=""), delimiter=delimiter):
            if any(row):
                rows.append(row)
            if len(rows) == SAMPLE_RECORDS:
                break
    except csv.Error:
        pass
    return rows
