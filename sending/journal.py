"""What a worker handed over and what it was told, in a file of its own that survives kill -9.

One line for each step, written before the next byte leaves: `H <message>` just before a message's
content goes to the server, `R <message> <reply code> <words>` when its reply was read. The lines
are in the page cache when write() returns, so the death of the process loses none. The death of the
machine may lose the last seconds of them; then the whole file is not trusted (see `boot`).

The owner holds a lock on the file. Whoever gets the lock knows that the owner is dead and recovers:
replies that were read count, content without a reply is in doubt, the rest was never handed over.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.conf import settings


@dataclass
class Story:
    """A journal read back: message ids handed over, and replies by message id.

    `complete` is false after a restart of the machine, which may have lost the last lines: then a
    message that isn't named may have been handed over all the same.
    """

    complete: bool = True

    handed_over: set[int] = field(default_factory=set)
    replies: dict[int, tuple[int, str]] = field(default_factory=dict)

    @property
    def in_doubt(self) -> set[int]:
        return self.handed_over - self.replies.keys()


class Journal:
    """An open journal; `holder` names it in Batch and RelaySlot rows."""

    def __init__(self) -> None:
        self.path = directory() / f"{secrets.token_hex(8)}.journal"
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        os.write(self._file, f"B {boot()}\n".encode())
        self.holder = holder(self.path)
        self._holds = False

    def begin(self) -> None:
        """Before a batch is claimed: from now on the file is needed until `clear`."""
        self._holds = True

    def hand_over(self, message_id: int) -> None:
        os.write(self._file, f"H {message_id}\n".encode())

    def reply(self, message_id: int, code: int, words: str) -> None:
        os.write(self._file, f"R {message_id} {code} {json.dumps(words)}\n".encode())

    def clear(self) -> None:
        """What was written is in the database now."""
        os.ftruncate(self._file, 0)
        os.write(self._file, f"B {boot()}\n".encode())
        self._holds = False

    def close(self) -> None:
        """Where a batch could not be recorded (the database is away), the file stays: without its
        lock it is an orphan, whose batch the next recovery settles."""
        if not self._holds:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


def directory() -> Path:
    path = Path(settings.VAR) / "journal"
    path.mkdir(parents=True, exist_ok=True)
    return path


def host() -> str:
    """A name for this state directory: journals in it can be recovered only where it is."""
    path = directory() / "host"
    if not path.exists():
        made = path.with_suffix(f".{secrets.token_hex(4)}")
        made.write_text(secrets.token_hex(8))
        # The first one wins, also when two workers start at once.
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text()


def boot() -> int:
    """When the machine was started, in seconds; the same until it is started again."""
    return int(psutil.boot_time())


def holder(path: Path) -> str:
    return f"{host()}:{path.name}"


def orphans() -> Iterator[tuple[Path, Story]]:
    """Journals whose owner is dead; each is deleted when the caller asks for the next one."""
    for path in sorted(directory().glob("*.journal")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Recovered by another worker between open and lock: it is gone.
            if path.exists():
                yield path, read(path)
                path.unlink(missing_ok=True)
        except BlockingIOError:
            continue
        finally:
            os.close(file)


def read(path: Path) -> Story:
    story = Story()
    for line in path.read_bytes().split(b"\n")[:-1]:  # a last line without an end was cut
        kind, _, rest = line.decode().partition(" ")
        if kind == "B":
            # Clocks that are set while the machine runs move its boot time by little.
            story.complete = abs(int(rest) - boot()) < 60
        elif kind == "H":
            story.handed_over.add(int(rest))
        elif kind == "R":
            number, code, words = rest.split(" ", 2)
            story.replies[int(number)] = (int(code), json.loads(words))
    return story
