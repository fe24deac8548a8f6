"""Batches of a file's records, shaped and ready for the database. Pure.

A batch is as many records as are merged in one transaction; `after` is the place where the next one
begins, stored in that same transaction.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice
from typing import Any, NamedTuple

from contacts import columns
from contacts.addresses import AddressError
from contacts.csvfile import Place, Reader, Record
from contacts.rows import Shaper, graver
from contacts.values import Value

quoted = json.encoder.encode_basestring


def to_json(attributes: dict[str, Value]) -> str:
    """The attributes as JSON text; json.dumps would make an encoder for each call."""
    members = [
        f"{quoted(key)}:{quoted(value) if isinstance(value, str) else json.dumps(value)}"
        for key, value in attributes.items()
    ]
    return "{" + ",".join(members) + "}"


class Reject(NamedTuple):
    """`kept`: the person was taken, only this value was not."""

    line: int
    reason: str
    kept: bool
    value: str
    cells: list[str]


@dataclass(slots=True)
class Batch:
    """`staged` is CSV for contacts.queries.importing.stage, one row an address."""

    staged: StringIO = field(default_factory=StringIO)
    rejects: list[Reject] = field(default_factory=list)
    # Addresses that the file says are unsubscribed, bounced or complained about: {address: flag}.
    flags: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    rejected: int = 0
    duplicate: int = 0
    unusable: int = 0
    blank: int = 0
    after: Place = field(default_factory=Place)

    def flagged(self, *flags: str) -> list[str]:
        return [address for address, flag in self.flags.items() if flag in flags]

    def forget_values(self, lines: set[int]) -> None:
        """Report no unusable values of lines that turned out not to be taken at all."""
        self.rejects = [r for r in self.rejects if not (r.kept and r.line in lines)]
        self.unusable = sum(reject.kept for reject in self.rejects)


class Batcher:
    """Reads batches of up to `size` records; `header` skips the first record."""

    def __init__(self, reader: Reader, shaper: Shaper, *, header: bool, size: int) -> None:
        self._reader = reader
        self._records = iter(reader)
        self._shaper = shaper
        self._size = size
        self._blank = 0
        if header:
            next(self._records, None)

    def __iter__(self) -> Iterator[Batch]:
        while batch := self._next():
            yield batch

    def _next(self) -> Batch | None:
        batch, seen = Batch(), set[str]()
        writer = csv.writer(batch.staged)
        for record in islice(self._records, self._size):
            batch.rows += 1
            self._take(batch, record, seen, writer)
        batch.blank = self._reader.blank - self._blank
        self._blank = self._reader.blank
        batch.after = self._reader.place
        return batch if batch.rows or batch.blank else None

    def _take(self, batch: Batch, record: Record, seen: set[str], writer: Any) -> None:
        line, cells, problem = record
        if problem:
            self._reject(batch, record, problem, cells[0][:200] if cells else "")
            return
        try:
            person = self._shaper.person(cells)
        except AddressError as error:
            self._reject(batch, record, error.reason, self._shaper.address_cell(cells)[:500])
            return
        if person.flag:
            before = batch.flags.get(person.email, columns.SUBSCRIBED)
            batch.flags[person.email] = graver(before, person.flag)
        if person.email in seen:
            batch.duplicate += 1
            return
        seen.add(person.email)
        for code, value in person.unusable:
            batch.unusable += 1
            batch.rejects.append(Reject(line, code, True, value, cells))
        writer.writerow(
            (
                line,
                person.email,
                person.first_name,
                person.last_name,
                person.full_name,
                to_json(person.attributes),
                person.flag,
            )
        )

    @staticmethod
    def _reject(batch: Batch, record: Record, reason: str, value: str) -> None:
        batch.rejected += 1
        batch.rejects.append(Reject(record.line, reason, False, value, record.cells))
