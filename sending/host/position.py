"""How far this host is, in a file of its own: the number of its latest claim (HostPosition).

Written after the claim is committed, so that it is never ahead of its own database; where it is,
that was restored. One file for each installation; without fsync, as an older number is no harm.
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
    """Names the files of a cluster: others after they were copied; "" where they are not here. A
    file that nobody writes keeps its inode, and its change time unless its owner is changed."""
    if not directory:
        return ""
    with suppress(OSError):
        about = (Path(directory) / "PG_VERSION").stat()
        return f"{about.st_ino}/{about.st_ctime_ns}"
    return ""


def copied(before: str, now: str) -> bool:
    """Both differ: it is another file."""
    if not before or not now:
        return False
    return all(a != b for a, b in zip(before.split("/"), now.split("/"), strict=True))
