"""Finds the one text file of a ZIP archive and reads it. Pure.

Names in the archive are only compared, never used as paths. The work is bounded: the size of the
directory, the number of entries, and by the caller the bytes that come out.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Protocol

from contacts.csvdetect import NotCsvError
from contacts.fetching import MOST_RATIO, RATIO_FROM

# A directory entry has at least 46 bytes and a name. zipfile reads the whole directory at once.
MOST_READ = 256 * 1024
MOST_ENTRIES = 1000
PIECE = 64 * 1024
# What programs add: resource forks of a Mac, folder views.
EXTRAS = {".ds_store", "thumbs.db", "desktop.ini"}
TEXT = (".csv", ".tsv", ".tab", ".txt")
ENCRYPTED = 0x1
# What is before each file, up to its name, with the length of the name (APPNOTE 4.3.7).
LOCAL_HEADER = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class SeekableFile(Protocol):
    """As much of a file as is needed here."""

    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, whence: int, /) -> int: ...

    def tell(self) -> int: ...


class _Bounded(io.BufferedIOBase):
    """Refuses to read much at once: the size of a directory is what the file says it is."""

    def __init__(self, file: SeekableFile) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = MOST_READ + 1 if size is None or size < 0 else min(size, MOST_READ + 1)
        data = self._file.read(wanted)
        if len(data) > MOST_READ:
            raise NotCsvError("zip_several")
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def names(file: SeekableFile) -> list[str]:
    """The names in the archive. Raises NotCsvError."""
    return [entry.filename for entry in _opened(file).infolist()]


def first_names(beginning: bytes) -> list[str]:
    """The names in the beginning of an archive whose directory can't be read: each name is also
    before its file's bytes."""
    found = []
    for match in LOCAL_HEADER.finditer(beginning):
        name = beginning[match.end() :][: int.from_bytes(match[1], "little")]
        found.append(name.decode(errors="replace"))
    return found


def unpacked(file: SeekableFile, *, limit: int) -> Iterator[bytes]:
    """The bytes of the one text file. Raises NotCsvError, which says what to do; nothing is
    unpacked before the first piece is asked for. A file that says that it has more than `limit`
    bytes is refused at once; what it says may be wrong, so the caller counts, too."""
    archive = _opened(file)
    entry = _text_file(archive)
    if entry.file_size > limit:
        raise NotCsvError("zip_too_large")
    # No more than `compress_size` bytes are read, whatever the directory says.
    most, made = max(RATIO_FROM, MOST_RATIO * entry.compress_size), 0
    for data in _pieces(archive, entry):
        made += len(data)
        if made > most:
            raise NotCsvError("zip_ratio")
        yield data


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(entry) as member:
            while data := member.read(PIECE):
                yield data
    except BROKEN as error:
        raise NotCsvError("zip_broken") from error


def _opened(file: SeekableFile) -> zipfile.ZipFile:
    try:
        # Closed with its file, which is in memory or in the database.
        archive = zipfile.ZipFile(_Bounded(file))
    except NotCsvError:
        raise
    except BROKEN as error:
        raise NotCsvError("zip_broken") from error
    if len(archive.infolist()) > MOST_ENTRIES:
        raise NotCsvError("zip_several")
    return archive


def _text_file(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The only file, or the only one with a name of a text file."""
    files = [entry for entry in archive.infolist() if not _is_extra(entry)]
    texts = [entry for entry in files if entry.filename.lower().endswith(TEXT)]
    found = files if len(files) == 1 else texts
    if not found:
        raise NotCsvError("zip_several" if files else "zip_empty")
    if len(found) > 1:
        raise NotCsvError("zip_several")
    entry = found[0]
    if entry.flag_bits & ENCRYPTED:
        raise NotCsvError("zip_encrypted")
    if entry.compress_type not in METHODS:
        raise NotCsvError("zip")
    return entry


def _is_extra(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename.rpartition("/")[2].lower()
    hidden = name.startswith("._") or name in EXTRAS
    return entry.is_dir() or hidden or entry.filename.startswith("__MACOSX/")
