"""A file with this host's position: the number of its latest claim (HostPosition).

It is written after the claim is committed. A file that is ahead of the database means that the
database was restored. One file for each installation; without fsync, because an older number does
no harm.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path

from sending.host import journal

WIDTH = 20


def name() -> str:
    """What people call this host."""
    return socket.gethostname()


def path(installation: str) -> Path:
    return journal.directory() / f"position-{installation}"


def read(installation: str) -> int:
    """0: this host has never claimed for it, or its last write was lost with the machine."""
    try:
        text = path(installation).read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return 0
    return int(text) if len(text) == WIDTH and text.isdigit() else 0


def write(installation: str, generation: int) -> None:
    if generation <= read(installation):
        return  # another process of this host was faster
    file = os.open(path(installation), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, f"{generation:0{WIDTH}d}".encode(), 0)
    finally:
        os.close(file)


def files_at(directory: str) -> str:
    """Identifies the files of a cluster: copies of them have another value. "": the files are not
    on this host. PG_VERSION is never written again, so that its inode stays, and its change time
    unless its owner or mode is changed."""
    if not directory:
        return ""
    with suppress(OSError):
        about = (Path(directory) / "PG_VERSION").stat()
        return f"{about.st_ino}/{about.st_ctime_ns}"
    return ""


def copied(before: str, now: str) -> bool:
    """Whether both inode and change time differ: the file is a copy."""
    if not before or not now:
        return False
    return all(a != b for a, b in zip(before.split("/"), now.split("/"), strict=True))
