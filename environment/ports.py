"""Ports to listen on."""

import fcntl
import os
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from environment.exceptions import StartupError

ANY = {"", "0.0.0.0", "::"}  # noqa: S104 - these mean "every address"
# Tried after the wanted one, so that the address stays alike.
NEXT = 20


class PortError(StartupError):
    """HOST and PORT can't be used; the text says why."""


def reachable(host: str) -> str:
    """Where a server that listens on `host` is reached from this machine."""
    return "127.0.0.1" if host in ANY else host


def address(host: str, port: int) -> str:
    host = reachable(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def free_port(host: str, wanted: int, *, keep: bool = False) -> int:
    """`wanted` if it is free, else one of those after it, else any. 0: any.

    `keep`: nobody else who keeps ports gets it while this process lives, though nothing listens
    yet. PortError when the address isn't ours or the port needs root.
    """
    for port in [*range(wanted, min(wanted + NEXT, 65536)), 0] if wanted else [0]:
        if _taken(host, port) or not (found := _bind(host, port, wanted)):
            continue
        if not keep or _keep(found):
            return found
    raise PortError(f"HOST is {host!r}, which can't be listened on here.")


# Open for as long as this process lives: each is a lock.
_locks: list[int] = []


def _keep(port: int) -> bool:
    """Two installations that start together see each other's ports before anything listens."""
    return _lock(f"yanshu-port-{port}") is not None


def _lock(name: str) -> int | None:
    """The descriptor of a lock of this machine that ends with the process; None if another one
    has it. On Linux an abstract socket: as ports, it is one for all users and private /tmp's."""
    if sys.platform == "linux":
        with socket.socket(socket.AF_UNIX) as one:
            try:
                one.bind(f"\0{name}")
            except OSError:
                return None
            descriptor = one.detach()
    else:
        try:
            path = Path(tempfile.gettempdir()) / name
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # Another user's, or held.
            return None
    _locks.append(descriptor)
    return descriptor


def require_free(host: str, port: int) -> None:
    """PortError unless `port` is free. granian shares ports (SO_REUSEPORT), so that a second one
    would silently take a part of the requests; a plain bind fails where anybody listens. The lock,
    which the program has that this process becomes, is for one that started at the same time."""
    free = not _taken(host, port) and _bind(host, port, port) is not None
    if free and (lock := _lock(f"yanshu-web-{port}")) is not None:
        os.set_inheritable(lock, True)
        return
    raise PortError(
        f"port {port} of {host or 'this host'} is in use{_by(port)}. Stop that program, or set "
        "PORT to another one."
    )


def _by(port: int) -> str:
    """Who listens there, where we may know it."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            at = connection.laddr[1] if connection.laddr else 0
            if connection.status == psutil.CONN_LISTEN and at == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return ""


def kept_port(path: Path, wanted: int) -> int:
    """The port of the last start if it is free, else another one: another installation may have
    it by now, and mail must not reach that one's sandbox."""
    if path.exists() and (kept := path.read_text().strip()).isdigit():
        wanted = int(kept)
    port = free_port("127.0.0.1", wanted, keep=True)
    path.write_text(str(port))
    return port


def _bind(host: str, port: int, wanted: int) -> int | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise PortError(f"PORT is {wanted}, which needs root; use 1024 or more.") from error
        except socket.gaierror as error:
            raise PortError(f"HOST is {host!r}, which is no address of this machine.") from error
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _taken(host: str, port: int) -> bool:
    """Whether somebody answers: macOS lets us bind beside one who listens on every address."""
    if port == 0:
        return False
    try:
        with socket.create_connection((reachable(host), port), timeout=1):
            return True
    except OSError:
        return False
