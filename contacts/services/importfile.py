"""An import's file in the database: `ImportChunk` rows of CHUNK bytes each, the last one shorter.

Any host can run the import; nothing is stored on a host's disk.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from contacts.csvfile import Dialect
from contacts.exceptions import ContactsError
from contacts.models import Import, ImportChunk
from contacts.queries import importchunks

CHUNK = 1024 * 1024


class UploadError(ContactsError):
    """A piece can't be accepted; the text says why. `next`: the expected offset."""

    def __init__(self, text: str, expected: int) -> None:
        super().__init__(text)
        self.next = expected


class FullError(UploadError):
    """The quota of waiting files is used up."""


class ChunkSource:
    """contacts.csvfile.ByteSource over the chunks, or over those that were set aside. Caches the
    last two, because records cross the ends of chunks."""

    def __init__(self, import_id: int, *, aside: bool = False) -> None:
        self._import_id = import_id
        self._aside = aside
        self._kept: dict[int, bytes] = {}

    def read(self, offset: int, size: int) -> bytes:
        first, last = offset // CHUNK, (offset + size - 1) // CHUNK
        wanted = range(first, last + 1)
        self._load([number for number in wanted if number not in self._kept])
        data = b"".join(self._kept.get(number, b"") for number in wanted)
        begin = offset - first * CHUNK
        self._kept = {n: self._kept[n] for n in (last - 1, last) if n in self._kept}
        return data[begin : begin + size]

    def _load(self, numbers: list[int]) -> None:
        if numbers:
            stored = [_aside(n) for n in numbers] if self._aside else numbers
            rows = ImportChunk.objects.filter(of_import_id=self._import_id, number__in=stored)
            self._kept.update(
                (_aside(n) if self._aside else n, bytes(data))
                for n, data in rows.values_list("number", "data")
            )


def _aside(number: int) -> int:
    """The number of a chunk that was set aside, and back."""
    return -1 - number


class AsideFile(io.RawIOBase):
    """A readable file over the chunks that were set aside. `size`: in bytes."""

    def __init__(self, import_id: int, size: int) -> None:
        self._source = ChunkSource(import_id, aside=True)
        self._size = size
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        most = max(0, self._size - self._at)
        wanted = most if size < 0 else min(size, most)
        data = self._source.read(self._at, wanted) if wanted else b""
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def append(
    import_: Import, offset: int, pieces: Iterable[bytes], *, limit: int, most: int | None = None
) -> int:
    """Add bytes at the end; returns the next offset. Bytes that are stored already are skipped.

    Raises UploadError for bytes at another offset, or beyond `limit` bytes in all; FullError beyond
    `most` further bytes.

    All but the last chunk have CHUNK bytes, so the digest of each chunk with the digest before it
    depends on the file's bytes alone, and no file is read again for it.
    """
    with transaction.atomic():
        locked = Import.objects.select_for_update().get(pk=import_.pk)
        if locked.state != Import.State.UPLOADING or offset > locked.size:
            raise UploadError(_("This piece doesn't follow the last one."), locked.size)
        skip, at, digest = locked.size - offset, locked.size, locked.digest
        for data in _in_chunks(_skipping(pieces, skip)):
            if at % CHUNK:
                raise UploadError(_("The file is complete already."), locked.size)
            if at + len(data) > limit:
                raise UploadError(_("The file is too large."), locked.size)
            if most is not None and at + len(data) - locked.size > most:
                raise FullError("", locked.size)
            ImportChunk.objects.create(of_import=locked, number=at // CHUNK, offset=at, data=data)
            digest = hashlib.sha256(digest.encode() + data).hexdigest()
            at += len(data)
        Import.objects.filter(pk=import_.pk).update(size=at, digest=digest)
    return at


def _skipping(pieces: Iterable[bytes], skip: int) -> Iterator[bytes]:
    for piece in pieces:
        if skip >= len(piece):
            skip -= len(piece)
        else:
            yield piece[skip:]
            skip = 0


def _in_chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= CHUNK:
            yield bytes(buffer[:CHUNK])
            del buffer[:CHUNK]
    if buffer:
        yield bytes(buffer)


def set_aside(import_: Import) -> None:
    """Keep the file as it was uploaded, so that another one can be written in its place."""
    chunks = ImportChunk.objects.filter(of_import=import_, number__gte=0)
    chunks.update(number=_aside(0) - F("number"))


def size_aside(import_id: int) -> int:
    """How many bytes were set aside."""
    chunks = ImportChunk.objects.filter(of_import_id=import_id, number__lt=0).order_by("number")
    last = chunks.values_list("offset", "data").first()
    return last[0] + len(last[1]) if last else 0


def drop_aside(import_: Import) -> None:
    ImportChunk.objects.filter(of_import=import_, number__lt=0).delete()


def drop_written(import_: Import) -> None:
    """Delete the import's file, but not what was set aside."""
    ImportChunk.objects.filter(of_import=import_, number__gte=0).delete()


def write(import_: Import, pieces: Iterable[bytes], *, limit: int) -> int:
    """Write these bytes as the import's file, in place of the former ones; returns their number.
    Raises UploadError beyond `limit`. The caller is in a transaction."""
    drop_written(import_)
    at = 0
    for data in _in_chunks(pieces):
        if at + len(data) > limit:
            raise UploadError("", at)
        ImportChunk.objects.create(of_import=import_, number=at // CHUNK, offset=at, data=data)
        at += len(data)
    return at


def copy(import_: Import, other: Import) -> None:
    """Give the other import the same bytes."""
    importchunks.copy(import_.pk, other.pk)


def sample(import_: Import) -> bytes:
    """The bytes that guesses are made from: the beginning, and, if that is plain ASCII, the first
    later chunk that isn't, because only that shows the encoding."""
    source = ChunkSource(import_.pk)
    beginning = source.read(0, 256 * 1024)
    if not beginning.isascii() or import_.size <= len(beginning):
        return beginning
    for number in range(min(64, import_.size // CHUNK + 1)):
        data = source.read(number * CHUNK, CHUNK)
        if not data.isascii():
            return beginning[: beginning.rfind(b"\n") + 1] + data[data.find(b"\n") + 1 :]
    return beginning


def dialect_of(import_: Import) -> Dialect:
    chosen = import_.dialect
    return Dialect(chosen["encoding"], chosen["delimiter"], int(chosen["header"]))
