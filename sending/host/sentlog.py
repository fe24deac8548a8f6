"""A log of the mails that this host handed over, kept for longer than backups. A database restored
from a backup doesn't know what was sent since; the log tells (sending.services.fence).

One line for each batch, written after its results are in the database and before its journal is
deleted:

    <unix time> <installation> <mailing> <source: kind number> A <ids> D <ids> [U <lines>]

A: accepted by the relay; D: handed over, answer never seen. Ids are written as ranges
("100-4999,5003"; "-": none). U: lines of the journal that could not be read or may be missing, so
that more messages may have been sent. One file for each day, without fsync, like the journals. Ids
are never used twice: when a database is found to be restored, its sequences jump ahead.
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

# How many days a file is kept. Also stated in docs/operators/backups-and-upgrades.md.
KEPT = 90
DAY = 86_400
NONE = "-"
# Larger values are damage: of a number (a bigint), of the ids in a range (a batch has fewer), of a
# Unix time (the year 2242), of the characters of a line.
LARGEST, LARGEST_RANGE, LAST_MOMENT, LONGEST = (1 << 63) - 1, 100_000, 1 << 33, 1 << 20

Range = tuple[int, int]


class About(NamedTuple):
    """The installation (its key), the mailing and its source that messages belong to."""

    installation: str = NONE
    mailing: int = 0
    source: Source = UNKNOWN

    def text(self) -> str:
        """Four words, which `parsed` reads."""
        kind = "_".join(self.source.kind.split()) or NONE
        return f"{self.installation} {self.mailing} {kind} {self.source.number}"

    @classmethod
    def parsed(cls, installation: str, mailing: str, kind: str, number: str) -> "About":
        """Raises ValueError."""
        source = UNKNOWN if kind == NONE else Source(kind, whole(number))
        return cls(installation, whole(mailing), source)


@dataclass(slots=True)
class Sent:
    """The messages of one mailing that were sent."""

    source: Source = UNKNOWN
    accepted: list[Range] = field(default_factory=list)
    in_doubt: list[Range] = field(default_factory=list)
    # Unix time of the latest.
    last: int = 0

    def close(self) -> None:
        self.accepted = merged(self.accepted)
        self.in_doubt = merged(self.in_doubt)


class Entry(NamedTuple):
    """A line."""

    moment: int
    about: About
    accepted: list[Range]
    in_doubt: list[Range]
    unread: int

    @classmethod
    def parsed(cls, line: str) -> "Entry":
        """Raises ValueError."""
        moment, installation, mailing, kind, number, a, accepted, d, in_doubt, *rest = line.split()
        u, unread = rest or ("U", "0")
        if (a, d, u) != ("A", "D", "U"):
            raise ValueError(line)
        return cls(
            whole(moment, LAST_MOMENT),
            About.parsed(installation, mailing, kind, number),
            parsed(accepted),
            parsed(in_doubt),
            whole(unread),
        )


@dataclass(slots=True)
class SentLog:
    """`mailings`: by id, what this host sent. `unreadable`: lines that can't be read; what they say
    was sent is unknown."""

    mailings: dict[int, Sent] = field(default_factory=dict)
    unreadable: int = 0


def append(
    directory: Path,
    about: About,
    accepted: Iterable[int],
    in_doubt: Iterable[int],
    *,
    unread: int = 0,
) -> None:
    """Raises OSError if the line is not written completely."""
    directory.mkdir(exist_ok=True)
    now = int(time.time())
    ids = f"A {written(ranges(accepted))} D {written(ranges(in_doubt))}"
    if unread:
        ids += f" U {unread}"
    # Begins with a line end, in case a full disk cut off the last line.
    line = f"\n{now} {about.text()} {ids}\n".encode()
    path = directory / f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        write_all(file, line)
    finally:
        os.close(file)


def write_all(file: int, data: bytes) -> None:
    """Writes all of `data`. os.write may write only a part; on a full disk the next call raises
    OSError."""
    while data:
        data = data[os.write(file, data) :]


def read(directory: Path, installation: str) -> SentLog:
    """What this host sent for the installation."""
    found = SentLog()
    for path in sorted(directory.glob("????-??-??")):
        for entry in _entries(path):
            if entry is None or entry.about.installation == NONE:
                # A line without a name is from a journal whose first lines could not be read.
                found.unreadable += 1
            elif entry.about.installation == installation:
                found.unreadable += entry.unread
                sent = found.mailings.setdefault(entry.about.mailing, Sent(entry.about.source))
                sent.accepted += entry.accepted
                sent.in_doubt += entry.in_doubt
                sent.last = entry.moment
    for sent in found.mailings.values():
        sent.close()
    return found


def _entries(path: Path) -> Iterator[Entry | None]:
    """None: a line that can't be read."""
    bad, first = 0, ""
    with path.open(encoding="ascii", errors="replace") as file:
        while line := file.readline(LONGEST):
            if not line.strip():
                continue
            try:
                yield Entry.parsed(line)
            except ValueError:
                bad, first = bad + 1, first or line[:80]
                yield None
    if bad:
        log.warning("lines of the sent log not read", path=path, lines=bad, first=first)


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
    """Raises ValueError."""
    if text == NONE:
        return []
    found = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        pair = identifier(first), identifier(last if dash else first)
        if not 0 <= pair[1] - pair[0] < LARGEST_RANGE:
            raise ValueError(part)
        found.append(pair)
    return found


def whole(text: str, largest: int = LARGEST) -> int:
    """A number from 0 on. Raises ValueError; int() also reads "-5" and "1_0"."""
    if not (text.isascii() and text.isdigit()) or int(text) > largest:
        raise ValueError(text)
    return int(text)


def identifier(text: str) -> int:
    """A number from 1 on. Raises ValueError."""
    if number := whole(text):
        return number
    raise ValueError(text)
