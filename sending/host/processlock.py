"""Locks by which processes of this host tell who of them lives.

Each that sends holds a lock on a file of its own, which the kernel gives up with the process,
however it dies. What a dead one had reserved of relays is
free at once, and not only when its leases end.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from sending.host import journal


class ProcessLock:
    """Held until it is left, or the process ends. `name`: no other process, anywhere, has it.

    Whoever leaves it by an exception may not have given back what it claimed (the database is
    away): it is missed as if it had died.
    """

    def __init__(self) -> None:
        token = secrets.token_hex(8)
        self.path = journal.directory() / f"{token}.process"
        made = self.path.with_suffix(".new")
        self._file = os.open(made, os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Found by others only now, when it is locked.
        made.rename(self.path)
        self.name = _name(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


def dead_processes() -> Iterator[str]:
    """Names of processes of this host that died; each is forgotten when the caller asks for the
    next one."""
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
