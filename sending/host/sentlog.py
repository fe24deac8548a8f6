"""What this host handed over, kept for longer than backups: the database that comes back from a
backup doesn't know what was sent since, and asks here (sending.services.fence).

One line for each batch, written when its results are in the database and before its journal goes:

    <unix time> <installation> <mailing> <source: kind number> A <ids> D <ids>

A: accepted by the relay; D: handed over, answer never seen. Ids are ranges ("100-4999,5003", "-":
none). A file for each day, without fsync, like the journals. Ids are never used twice: whenever a
database is found to be older, its sequences jump ahead.
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from contacts.provenance import UNKNOWN, Source
from environment import logs

log = logs.get(__name__)

# Days that a file is kept. docs/operators/backups-and-upgrades.md names it.
KEPT = 90
DAY = 86_400
NONE = "-"

Range = tuple[int, int]


class About(NamedTuple):
    """Whose messages these are. `installation`: its key; `source`: the mailing's."""

    installation: str = NONE
    mailing: int = 0
    source: Source = UNKNOWN

    def text(self) -> str:
        """Four words; `parsed` takes them."""
        kind = "_".join(self.source.kind.split()) or NONE
        return f"{self.installation} {self.mailing} {kind} {self.source.number}"

    @classmethod
    def parsed(cls, installation: str, mailing: str, kind: str, number: str) -> "About":
        """Raises ValueError."""
        source = UNKNOWN if kind == NONE else Source(kind, int(number))
        return cls(installation, int(mailing), source)


@dataclass(slots=True)
class Sent:
    """What was sent of one mailing."""

    source: Source = UNKNOWN
    accepted: list[Range] = field(default_factory=list)
    in_doubt: list[Range] = field(default_factory=list)
    # Unix time of the latest.
    last: int = 0

    def close(self) -> None:
        self.accepted = merged(self.accepted)
        self.in_doubt = merged(self.in_doubt)


def append(directory: Path, about: About, accepted: Iterable[int], in_doubt: Iterable[int]) -> None:
    """Raises OSError when the line is not written as a whole."""
    directory.mkdir(exist_ok=True)
    now = int(time.time())
    ids = f"A {written(ranges(accepted))} D {written(ranges(in_doubt))}"
    # The first line end is for what a full disk may have cut off before.
    line = f"\n{now} {about.text()} {ids}\n".encode()
    path = directory / f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        write_all(file, line)
    finally:
        os.close(file)


def write_all(file: int, data: bytes) -> None:
    """os.write may write a part: on a full disk the next call says so."""
    while data:
        data = data[os.write(file, data) :]


def read(directory: Path, installation: str) -> dict[int, Sent]:
    """{mailing id: what this host sent of it for the installation}"""
    found: dict[int, Sent] = {}
    for path in sorted(directory.glob("????-??-??")):
        for about, moment, accepted, in_doubt in _lines(path):
            if about.installation != installation:
                continue
            sent = found.setdefault(about.mailing, Sent(about.source))
            sent.accepted += accepted
            sent.in_doubt += in_doubt
            sent.last = moment
    for sent in found.values():
        sent.close()
    return found


def _lines(path: Path) -> Iterator[tuple[About, int, list[Range], list[Range]]]:
    with path.open(encoding="ascii", errors="replace") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                moment, *about, _a, accepted, _d, in_doubt = line.split()
                yield About.parsed(*about), int(moment), parsed(accepted), parsed(in_doubt)
            except (TypeError, ValueError):
                log.warning("line of the sent log not read", path=path, line=line[:80])


def forget_old(directory: Path, now: float | None = None) -> None:
    limit = (time.time() if now is None else now) - KEPT * DAY
    for path in directory.glob("????-??-??"):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)


def ranges(ids: Iterable[int]) -> list[Range]:
    """Ids as ranges, both ends included."""
    found: list[Range] = []
    first = last = 0
    for number in sorted(ids):
        if first and number <= last + 1:
            last = number
            continue
        if first:
            found.append((first, last))
        first = last = number
    return [*found, (first, last)] if first else found


def merged(found: Iterable[Range]) -> list[Range]:
    """Sorted, without overlaps, neighbours joined."""
    result: list[Range] = []
    for first, last in sorted(found):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def written(found: Iterable[Range]) -> str:
    texts = [f"{a}-{b}" if a != b else str(a) for a, b in found]
    return ",".join(texts) or NONE


def parsed(text: str) -> list[Range]:
    if text == NONE:
        return []
    parts = [part.partition("-") for part in text.split(",")]
    return [(int(first), int(last or first)) for first, _dash, last in parts]
