"""Makes a CSV file of an uploaded workbook, or of a file that is packed in a ZIP file.

The uploaded bytes are set aside, and the CSV is written as the import's file. So everything
afterwards reads one kind of file. Of a workbook with several sheets, the uploaded bytes are kept as
long as the CSV, so that another sheet can be chosen.
"""

from collections.abc import Iterable, Iterator

from django.conf import settings

from contacts import archives, csvdetect, workbooks
from contacts.csvdetect import NotCsvError
from contacts.models import Import
from contacts.services import importfile, unfinished
from contacts.services.importfile import AsideFile, ChunkSource
from contacts.sheetreader import MOST_BYTES

# How many bytes are looked at for what the file is, if its directory can't be read.
BEGINNING = 64 * 1024


def is_packed(import_: Import) -> bool:
    """Whether the uploaded file is a ZIP file or a workbook."""
    return csvdetect.is_packed(ChunkSource(import_.pk).read(0, 8))


def unpack(import_: Import) -> None:
    """Write the CSV of the file that was set aside. Sets `size` and, for a workbook, "sheet" and
    "sheets" of `dialect`, even if that sheet can't be read; the caller saves them, in one
    transaction. Raises NotCsvError."""
    size = importfile.size_aside(import_.pk)
    kind = _kind(AsideFile(import_.pk, size))
    if kind == "workbook":
        if size > MOST_BYTES:
            raise NotCsvError("workbook_large")
        _write_sheet(import_, AsideFile(import_.pk, size))
    elif kind:
        raise NotCsvError(kind)
    else:
        _write_file(import_, AsideFile(import_.pk, size))


def _kind(file: AsideFile) -> str:
    """A key of csvdetect.SENTENCES if a program of an office made the file; "" for a ZIP file."""
    beginning = file.read(BEGINNING)
    if beginning.startswith(csvdetect.OLE):
        return "workbook"  # or another old file, which only its reader knows
    try:
        return csvdetect.kind_of_zip(archives.names(file))
    except NotCsvError as error:
        kind = csvdetect.kind_of_zip(archives.first_names(beginning))
        if not kind:
            raise
        # A workbook with very many parts can be read, but not by `archives`.
        broken = kind == "workbook" and error.kind == "zip_broken"
        return "workbook_broken" if broken else kind


def _write_file(import_: Import, file: AsideFile) -> None:
    pieces = archives.unpacked(file, limit=_limit(import_))
    _write(import_, pieces, _limit(import_), "zip_too_large")
    if is_packed(import_):
        raise NotCsvError("zip_nested")
    importfile.drop_aside(import_)


def _write_sheet(import_: Import, file: AsideFile) -> None:
    number = import_.dialect.get("sheet")
    try:
        with workbooks.sheet(_Pieces(file), number) as sheet:
            # Of a sheet that is chosen later, the others are not looked into again.
            sheets = import_.dialect.get("sheets") or list(sheet.sheets.items())
            import_.dialect = {"sheet": sheet.number, "sheets": sheets}
            several = len(sheets) > 1
            # Several: the workbook stays, and counts like its sheet.
            limit = _limit(import_, kept=importfile.size_aside(import_.pk) if several else 0)
            too_large = "sheet_large" if several else "workbook_large"
            _write(import_, sheet.pieces, limit, too_large)
    except workbooks.SheetUnreadError as error:
        sheets = import_.dialect.get("sheets") or list(error.sheets.items())
        import_.dialect = {"sheet": error.number, "sheets": sheets}
        raise
    if not several:
        importfile.drop_aside(import_)


class _Pieces:
    """The file's bytes, from the beginning each time."""

    def __init__(self, file: AsideFile) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while data := self._file.read(importfile.CHUNK):
            yield data


def _write(import_: Import, pieces: Iterable[bytes], limit: int, too_large: str) -> None:
    try:
        import_.size = importfile.write(import_, pieces, limit=limit)
    except importfile.UploadError as error:
        raise NotCsvError(too_large) from error


def _limit(import_: Import, *, kept: int = 0) -> int:
    """As many bytes as may be uploaded, within the quota. `kept`: bytes of a workbook that stays
    beside what is written."""
    room, most = unfinished.room(import_), settings.IMPORT_MAX_BYTES
    if room is None:
        return most
    return max(0, min(most, room + import_.size + import_.aside - kept))
