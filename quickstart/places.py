"""The directories for the files and sockets of the embedded servers."""

import hashlib
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from quickstart.exceptions import QuickstartError

# The path of a unix socket may have 103 bytes (macOS) or 107 (Linux).
LONGEST_SOCKET_PATH = 100
# For servers that root starts as another user, who can't enter root's directories.
OPEN = Path("/var/lib/yanshu")


class PlaceError(QuickstartError):
    """A directory can't be used. The text says why."""


def digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def short_socket_dir(base: Path) -> Path:
    """`base`/socket, or a directory with a shorter path if that is too long for a socket."""
    inside = base / "socket"
    if len(os.fsencode(inside / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH:
        return inside
    return Path(tempfile.gettempdir()) / f"yanshu-{os.geteuid()}-{digest(base)}"


def make_private(path: Path, *, owner: tuple[int, int] | None = None) -> None:
    """Makes a directory (mode 0700) that belongs to us, or to `owner` (user and group id).

    Raises PlaceError if it exists and belongs to somebody else: in /tmp anybody can make it.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    ours = {os.geteuid(), *(owner[:1] if owner else ())}
    if path.is_symlink() or path.stat().st_uid not in ours:
        raise PlaceError(f"{path} belongs to somebody else; remove it.")
    path.chmod(0o700)
    if owner:
        os.chown(path, *owner)


def enterable(base: Path) -> Path:
    """The directory to use for `base`. If only root may enter `base`, it becomes a link to a new
    directory under /var/lib/yanshu. Each `base` gets its own directory, also after it was
    deleted."""
    base = base.absolute()
    if base.is_symlink():
        return base.readlink()
    closed = any(path.exists() and not path.stat().st_mode & 0o001 for path in base.parents)
    if os.geteuid() != 0 or not closed or (base / "data").exists():
        return base.resolve()
    with suppress(FileNotFoundError):
        base.rmdir()
    base.parent.mkdir(parents=True, exist_ok=True)
    target = OPEN / f"{base.name}-{secrets.token_hex(6)}"
    base.symlink_to(target)
    return target
