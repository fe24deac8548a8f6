"""Locks that show which processes of this host live.

Each process that sends holds a lock on its own file. The kernel releases the lock when the process
dies, in any way. So a dead process's slots at relays are freed at once, before their leases end.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from sending.host import journal


class ProcessLock:
    """A lock that is held until the context is left or the process ends. `name` is unique among all
    processes of all hosts.

    A process that leaves the context by an exception may not have given back what it claimed (the
    database is away), and is treated as dead.
    """

    def __init__(self) -> None:
        token = secrets.token_hex(8)
        self.path = journal.directory() / f"{token}.process"
        made = self.path.with_suffix(".new")
        self._file = os.open(made, os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Renamed only when locked: others look for files with this name.
        made.rename(self.path)
        self.name = _name(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


def dead_processes() -> Iterator[str]:
    """Names of processes of this host that died. When the caller asks for the next one, the file of
    the last one is deleted."""
    for path in sorted(journal.directory().glob("*.process")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield _name(path)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            continue
        finally:
            os.close(file)


def _name(path: Path) -> str:
    return f"{journal.host()}:{path.stem}"
