"""Where the embedded servers keep their files and sockets."""

import hashlib
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from quickstart.exceptions import QuickstartError

# A unix socket's path may have 103 bytes (macOS) or 107 (Linux).
LONGEST_SOCKET_PATH = 100
# For servers of root's that run as somebody else and can't enter root's directories.
OPEN = Path("/var/lib/yanshu")


class PlaceError(QuickstartError):
    """A directory can't be used; the text says why."""


def digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def short_socket_dir(base: Path) -> Path:
    """`base`/socket, or a directory with a shorter path if that is too long for a socket."""
    inside = base / "socket"
    if len(os.fsencode(inside / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH:
        return inside
    return Path(tempfile.gettempdir()) / f"yanshu-{os.geteuid()}-{digest(base)}"


def make_private(path: Path, *, owner: tuple[int, int] | None = None) -> None:
    """Makes a directory (mode 0700) of ours, or of `owner`'s (user and group id).

    PlaceError when it is there and somebody else's: in /tmp anybody could have made it.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    ours = {os.geteuid(), *(owner[:1] if owner else ())}
    if path.is_symlink() or path.stat().st_uid not in ours:
        raise PlaceError(f"{path} belongs to somebody else; remove it.")
    path.chmod(0o700)
    if owner:
        os.chown(path, *owner)


def enterable(base: Path) -> Path:
    """`base`, or, where only root may enter it, what it is made a link to: a new directory under
    /var/lib/yanshu. Each `base` has its own, also when an older one was deleted."""
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
