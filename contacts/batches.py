"""Batches of a file's records, shaped and ready for the database. Pure.

A batch holds the records that are merged in one transaction. `after` is the position where the next
batch begins; it is stored in the same transaction.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import StringIO
from typing import NamedTuple

from contacts.addresses import AddressError
from contacts.csvfile import PAUSE, CsvReader, FilePosition, Record
from contacts.rows import ImportedPerson, Shaper
from contacts.statuswords import ASKED, MAX_WORD, SUBSCRIBED, WordCounts, graver
from contacts.tagnames import Names
from contacts.values import Value

# The reject reason for a person who is imported but not subscribed, because of an unknown word.
UNKNOWN_WORD = "status_word"
quoted = json.encoder.encode_basestring
# A batch ends with the row that brings it to its number of rows or to WEIGHT, so that it takes
# seconds and some MB, however wide the rows are. A row weighs its characters and CELL for each
# cell: its key in the attributes, and the work to read a number, a date or a yes (5 us).
WEIGHT = 8 * 1024 * 1024
CELL = 32


# Keys of attributes, as JSON: a file has few.
_key = lru_cache(maxsize=4096)(quoted)


def to_json(attributes: dict[str, Value]) -> str:
    """The attributes as JSON text; json.dumps would make an encoder for each call."""
    members = [
        f"{_key(key)}:{quoted(value) if isinstance(value, str) else json.dumps(value)}"
        for key, value in attributes.items()
    ]
    return "{" + ",".join(members) + "}"


def _row(line: int, person: ImportedPerson) -> str:
    """The person's row in PostgreSQL's text format, without its flag. Only backslashes are to be
    escaped: an address and names are on one line and have no tab, and JSON escapes both."""
    return "\t".join(
        (
            str(line),
            person.email,
            person.first_name,
            person.last_name,
            person.full_name,
            to_json(person.attributes),
            person.consent,
        )
    ).replace("\\", "\\\\")


class Reject(NamedTuple):
    """`kept`: the person was imported, only without this value."""

    line: int
    reason: str
    kept: bool
    value: str
    cells: list[str]


@dataclass(slots=True)
class RowBatch:
    """`staged`: rows for contacts.queries.importing.stage, one for each address."""

    staged: StringIO = field(default_factory=StringIO)
    # CSV for contacts.queries.importtags.stage; empty if no row has tags.
    tagged: StringIO = field(default_factory=StringIO)
    # {address: the consent for counting opens}, of the rows that state it; a no of any row counts.
    opens: dict[str, bool] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    # (line, address) of lines whose address is on an earlier line of the batch.
    duplicates: list[tuple[int, str]] = field(default_factory=list)
    # Addresses whose status is not just "subscribed": {address: gravest flag}.
    flags: dict[str, str] = field(default_factory=dict)
    # The words of the status columns.
    words: WordCounts = field(default_factory=WordCounts)
    # Rows above the header, and the rows with people below.
    above: int = 0
    rows: int = 0
    weight: int = 0
    rejected: int = 0
    duplicate: int = 0
    unusable: int = 0
    blank: int = 0
    after: FilePosition = field(default_factory=FilePosition)

    def forget_values(self, lines: set[int]) -> None:
        """Drop reports about values of lines that are not imported at all."""
        self.rejects = [r for r in self.rejects if not (r.kept and r.line in lines)]
        self.unusable = sum(r.kept and r.reason != UNKNOWN_WORD for r in self.rejects)


@dataclass(slots=True)
class _Rows:
    """Rows of the batch that is being read: {address: its first row, see _row}, {address: the tags
    of that row} and {address: its questions}."""

    seen: dict[str, str] = field(default_factory=dict)
    tags: dict[str, Names] = field(default_factory=dict)
    asked: dict[str, list[Reject]] = field(default_factory=dict)


class Batcher:
    """Reads batches of up to `size` records, and of about WEIGHT. `header` is the line of the file
    that names the columns (0: none does): the records up to this line are no people."""

    def __init__(
        self,
        reader: CsvReader,
        shaper: Shaper,
        *,
        header: int,
        mapping: Sequence[str],
        size: int,
    ) -> None:
        self._reader = reader
        self._records = iter(reader)
        self._shaper = shaper
        self._mapping = mapping
        self._size = size
        self._blank = 0
        self._above = self._skip_to(header)

    def _skip_to(self, header: int) -> int:
        """Read up to the header. Returns how many records are above it."""
        above = 0
        while header and (record := next(self._records, None)):
            if record.line >= header:
                break
            above += bool(record.cells)
        return above

    def __iter__(self) -> Iterator[RowBatch]:
        while batch := self.next():
            yield batch

    def next(self, rows: int | None = None, weight: int | None = None) -> RowBatch | None:
        """The next batch, or None at the end of the file; at most so many rows, and about so much
        weight."""
        most = self._size if rows is None else min(rows, self._size)
        heaviest = WEIGHT if weight is None else min(weight, WEIGHT)
        return self._next(most, heaviest)

    def first(self, *, rows: int | None, weight: int | None) -> Iterator[RowBatch]:
        """The batches of the next so many rows, or of about so much weight; None: without limit."""
        while (rows is None or rows > 0) and (weight is None or weight > 0):
            batch = self.next(rows, weight)
            if batch is None:
                return
            yield batch
            rows = None if rows is None else rows - batch.rows
            weight = None if weight is None else weight - batch.weight

    def _next(self, most: int, heaviest: int) -> RowBatch | None:
        batch, rows = RowBatch(above=self._above), _Rows()
        self._above = 0
        while batch.rows < most and batch.weight < heaviest:
            record = next(self._records, None)
            if record is None:
                break
            if not record.cells:
                batch.weight += PAUSE
                continue
            batch.rows += 1
            batch.weight += CELL * len(record.cells) + sum(map(len, record.cells))
            self._take(batch, record, rows)
        self._stage(batch, rows)
        batch.blank = self._reader.blank - self._blank
        self._blank = self._reader.blank
        batch.after = self._reader.place
        return batch if batch.rows or batch.blank or batch.above else None

    @staticmethod
    def _stage(batch: RowBatch, rows: "_Rows") -> None:
        """Write one row for each address, with the gravest flag of its lines. Questions about a
        person are reported unless another line says for certain that the person left."""
        flags = batch.flags
        batch.staged.writelines(
            f"{row}\t{flags.get(email, SUBSCRIBED)}\n" for email, row in rows.seen.items()
        )
        tagged = csv.writer(batch.tagged)
        for email, names in rows.tags.items():
            tagged.writerows((email, key, name) for key, name in names.items())
        for email, asked in rows.asked.items():
            if flags[email] == ASKED:
                batch.rejects += asked
        if rows.asked:
            batch.rejects.sort(key=lambda reject: reject.line)

    def _take(self, batch: RowBatch, record: Record, rows: "_Rows") -> None:
        line, cells, problem = record
        if problem:
            self._reject(batch, record, problem, cells[0][:200] if cells else "")
            return
        try:
            person = self._shaper.person(cells)
        except AddressError as error:
            self._reject(batch, record, error.reason, self._shaper.address_cell(cells)[:500])
            return
        if person.words or person.flag:
            self._read_words(batch, record, person, rows)
        if person.opens is not None:
            batch.opens[person.email] = person.opens and batch.opens.get(person.email, True)
        if person.email in rows.seen:
            batch.duplicate += 1
            batch.duplicates.append((line, person.email))
            return
        for code, value in person.unusable:
            batch.unusable += 1
            batch.rejects.append(Reject(line, code, True, value, cells))
        if person.tags:
            rows.tags[person.email] = person.tags
        rows.seen[person.email] = _row(line, person)

    def _read_words(
        self, batch: RowBatch, record: Record, person: ImportedPerson, rows: "_Rows"
    ) -> None:
        """Count the line's status words and keep the gravest flag of its address."""
        for number, reading, cell in person.words:
            text = cell.strip()[:MAX_WORD]
            batch.words.count(number, self._mapping[number], reading, text)
            if reading.flag == ASKED:
                asked = Reject(record.line, UNKNOWN_WORD, True, text, record.cells)
                rows.asked.setdefault(person.email, []).append(asked)
        if person.flag:
            before = batch.flags.get(person.email, SUBSCRIBED)
            batch.flags[person.email] = graver(before, person.flag)

    @staticmethod
    def _reject(batch: RowBatch, record: Record, reason: str, value: str) -> None:
        batch.rejected += 1
        batch.rejects.append(Reject(record.line, reason, False, value, record.cells))
