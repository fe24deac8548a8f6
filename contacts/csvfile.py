"""Reads a CSV of any size record by record, from any record on, in constant memory. Pure.

`CsvReader` asks a `ByteSource` for bytes, cuts them after line ends, decodes each piece and lets
the csv module find the records (a quoted field may hold line ends). `CsvReader.place` is the byte
and line at which the next record begins: a later CsvReader that starts there gives exactly the
remaining records. No content stops it: bytes outside the encoding and quotes that are never closed
spoil only their own line, which gets a `problem`, a code of contacts.rejects.

Line ends are CRLF, LF and CR, in any mixture. NUL characters are dropped. Rows without content are
only counted, in `CsvReader.blank`. The format is RFC 4180 with the deviations of common programs.
"""

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any, NamedTuple, Protocol

from contacts import encodings
from contacts.exceptions import ContactsError

# Bytes read at once; a line longer than MAX_LINE is cut.
PIECE = 1024 * 1024
MAX_LINE = 8 * PIECE
# A record of several lines may be about so long.
MAX_RECORD = 2 * MAX_LINE
# In a part of the file without content, a reader with pauses gives an empty record about once in so
# many bytes, so that whoever reads can stop there.
PAUSE = PIECE
# After a bad line smaller pieces are read, because a piece is read again for the next line.
SMALLEST_PIECE = 1024
# The most lines of one record. Lines may be read in vain, because a quote was never closed: IN_VAIN
# of them, and AGAIN more for each line that was passed. So the work stays linear.
MOST_LINES = 10_000
IN_VAIN = 20_000
AGAIN = 4
LINE_END = re.compile("\r\n|\n|\r")
LINE_END_BYTES = re.compile(b"\r\n|\n|\r")
# Excel's line with the delimiter. Programs that save the file again may quote it or add delimiters.
SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n])"?[\t,;| ]*(?:\r\n|\n|\r|$)', re.IGNORECASE)
# Marks a byte outside the encoding while a record is processed.
BAD = "\udcff"
SURROGATES = re.compile("[\ud800-\udfff]")


class ByteSource(Protocol):
    """Access to a file's bytes."""

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; empty at the end of the file."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """A source in memory."""

    data: bytes

    def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The format of a file. `encoding`: a key of contacts.encodings.ENCODINGS (a byte-order mark is
    skipped); `delimiter`: one character; `header`: the line that names the columns (0: none)."""

    encoding: str = "utf-8"
    delimiter: str = ","
    header: int = 1


@dataclass(frozen=True, slots=True)
class FilePosition:
    """Where a record begins: `byte` from the start of the file, `line` counted from 1."""

    byte: int = 0
    line: int = 1


class _EndlessError(ContactsError):
    """A record has too many lines, or is too long."""


class Record(NamedTuple):
    """`line` is the one it begins on; `problem` a code of contacts.rejects or empty. A pause has no
    cells."""

    line: int
    cells: list[str]
    problem: str


@dataclass(slots=True)
class _Piece:
    """Whole lines of the file, with their position."""

    line: int
    byte: int
    data: bytes
    text: str
    spoilt: bool


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Decode one byte (one unit of UTF-16) that can't be decoded as BAD and go on after it."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - registered for decoding only
    wide = error.encoding.startswith("utf-16")
    return BAD, error.end if wide else error.start + 1


codecs.register_error("yanshu.mark", _mark)


def mark_length(data: bytes) -> int:
    """How many bytes a byte-order mark takes at the beginning of the file."""
    if data.startswith(codecs.BOM_UTF8):
        return 3
    return 2 if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else 0


def first_place(beginning: bytes, encoding: str) -> FilePosition:
    """Where the first record begins: after a byte-order mark, and after Excel's `sep=;` line."""
    mark = mark_length(beginning)
    text = beginning[mark:].decode(encodings.codec(encoding), "ignore")
    if match := SEPARATOR_LINE.match(text):
        return FilePosition(mark + len(match[0].encode(encodings.codec(encoding))), 2)
    return FilePosition(mark, 1)


class CsvReader:
    """Iterates over the `Record`s of a source from `start` on (the header is a record too).
    `pauses`: whether also to give an empty record now and then, see PAUSE."""

    def __init__(
        self,
        source: ByteSource,
        dialect: Dialect,
        start: FilePosition | None = None,
        *,
        pauses: bool = False,
    ) -> None:
        self._source = source
        self._dialect = dialect
        self._codec = encodings.codec(dialect.encoding)
        self._wide = dialect.encoding.startswith("utf-16")
        self._size = PIECE
        # Lines that were passed, and lines that were read in vain.
        self._passed = self._vain = 0
        start = start or FilePosition()
        if start.byte == 0:
            start = first_place(source.read(0, 64), dialect.encoding)
        self._begin(start)
        self.blank = 0
        self._pauses = pauses
        self._paused = start.byte

    def _begin(self, place: FilePosition) -> None:
        self._start = self._read_to = place
        # The line on which the next record begins.
        self._line = place.line
        # Kept back to the record that is being read, to know where it began.
        self._pieces: deque[_Piece] = deque()
        self._ended = False
        # Whether one of the pieces has bytes that could not be decoded.
        self._spoilt = False

    @property
    def place(self) -> FilePosition:
        """Where the next record begins."""
        return self._place_of(self._line)

    def __iter__(self) -> Iterator[Record]:
        while True:
            first = self._line
            rows = csv.reader(self._lines(), delimiter=self._dialect.delimiter)
            try:
                for cells in rows:
                    line, self._line = self._line, first + rows.line_num
                    if self._ended and rows.line_num:
                        # The record asked for another line and there was none: an open quote.
                        yield self._recover(line, rows.line_num)
                        break
                    self._passed += self._line - line
                    if not any(cells):
                        self.blank += 1
                        if self._pauses and self._read_to.byte > self._paused + PAUSE:
                            self._paused = self._read_to.byte
                            yield Record(line, [], "")
                        continue
                    yield Record(line, *self._judge(cells))
                else:
                    return
            except (csv.Error, _EndlessError):
                yield self._recover(self._line, first + rows.line_num - self._line)

    def _judge(self, cells: list[str]) -> tuple[list[str], str]:
        if self._spoilt and any(SURROGATES.search(cell) for cell in cells):
            return [SURROGATES.sub("\ufffd", cell) for cell in cells], "unreadable"
        return cells, ""

    def _recover(self, line: int, lines: int) -> Record:
        """Give up the first line of a failed record and go on with the next: the lines that a quote
        had swallowed are read again."""
        self._passed += 1
        self._vain += lines
        self._size = max(self._size // 4, SMALLEST_PIECE)
        place, after = self._place_of(line), self._place_of(line + 1)
        raw = self._source.read(place.byte, after.byte - place.byte)
        text = self._decode(raw).rstrip("\r\n").replace("\0", "")
        self._begin(after)
        problem = "open_quote" if text.count('"') % 2 or lines > 1 else "cell_too_long"
        return Record(line, [SURROGATES.sub("\ufffd", text)], problem)

    def _lines(self) -> Iterator[str]:
        while piece := self._next_piece():
            if piece.byte - self._pieces[0].byte > MAX_RECORD:  # which holds the record's beginning
                raise _EndlessError
            for number, line in enumerate(StringIO(piece.text, newline=""), piece.line):
                if number != self._line and number - self._line > self._most_lines():
                    raise _EndlessError
                yield line
        self._ended = True

    def _most_lines(self) -> int:
        """How many more lines a record may have."""
        return max(min(MOST_LINES, IN_VAIN + AGAIN * self._passed - self._vain), 0)

    def _decode(self, data: bytes) -> str:
        return data.decode(self._codec, "yanshu.mark")

    def _next_piece(self) -> _Piece | None:
        """The next whole lines, up to PIECE bytes."""
        while len(self._pieces) > 1 and self._pieces[1].line <= self._line:
            self._pieces.popleft()
        place = self._read_to
        size, self._size = self._size, min(self._size * 2, PIECE)
        data = self._source.read(place.byte, size)
        if not data:
            return None
        while (cut := self._cut(data)) == 0 and len(data) == size and size < MAX_LINE:
            size *= 2
            data = self._source.read(place.byte, size)
        if len(data) == size:
            data = data[: cut or len(data)]
        text = self._decode(data)
        spoilt = SURROGATES.search(text) is not None
        piece = _Piece(place.line, place.byte, data, text.replace("\0", ""), spoilt)
        self._pieces.append(piece)
        self._spoilt = any(piece.spoilt for piece in self._pieces)
        lines = sum(1 for _ in LINE_END.finditer(text))
        if not LINE_END.search(text[-1:]):
            lines += 1
        self._read_to = FilePosition(place.byte + len(data), place.line + lines)
        return piece

    def _cut(self, data: bytes) -> int:
        """How much of the data are whole lines; 0 if there is no line end yet."""
        if self._wide:
            return self._cut_wide(data)
        end = data.rfind(b"\n")
        # A CR that is the last byte may be the first half of a CRLF.
        return 1 + (end if end >= 0 else data.rfind(b"\r", 0, len(data) - 1))

    def _cut_wide(self, data: bytes) -> int:
        for end, limit in (("\n", len(data)), ("\r", len(data) - 2)):
            unit = end.encode(self._dialect.encoding)
            at = data.rfind(unit, 0, limit)
            while at > 0 and at % 2:  # a match across two units
                at = data.rfind(unit, 0, at + 1)
            if at >= 0:
                return at + 2
        return 0

    def _place_of(self, line: int) -> FilePosition:
        if line == self._start.line:
            return self._start
        for piece in reversed(self._pieces):
            if piece.line <= line:
                return FilePosition(piece.byte + self._bytes_before(piece, line - piece.line), line)
        return self._read_to

    def _bytes_before(self, piece: _Piece, lines: int) -> int:
        """How many bytes the piece's first lines take."""
        if not lines:
            return 0
        if not self._wide:
            return _end_of(LINE_END_BYTES.finditer(piece.data), lines, len(piece.data))
        text = self._decode(piece.data)
        end = _end_of(LINE_END.finditer(text), lines, len(text))
        return 2 * (end + sum(character > "\uffff" for character in text[:end]))


def _end_of(ends: Iterator[re.Match[Any]], number: int, otherwise: int) -> int:
    for count, match in enumerate(ends, 1):
        if count == number:
            return match.end()
    return otherwise
