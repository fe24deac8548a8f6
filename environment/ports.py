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
# How many ports to try, beginning with the wanted one, so that the address stays similar.
NEXT = 20


class PortError(StartupError):
    """HOST and PORT can't be used; the text says why."""


def reachable(host: str) -> str:
    """The host under which this machine reaches a server that listens on `host`."""
    return "127.0.0.1" if host in ANY else host


def address(host: str, port: int) -> str:
    host = reachable(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def free_port(host: str, wanted: int, *, keep: bool = False) -> int:
    """`wanted` if it is free, else one of the next ports, else any port. 0 means any port.

    `keep`: other callers with `keep` don't get this port while this process lives, though nothing
    listens on it yet. Raises PortError if the address isn't ours or the port needs root.
    """
    for port in [*range(wanted, min(wanted + NEXT, 65536)), 0] if wanted else [0]:
        if _taken(host, port) or not (found := _bind(host, port, wanted)):
            continue
        if not keep or _keep(found):
            return found
    raise PortError(f"HOST is {host!r}, which can't be listened on here.")


# Descriptors of locks. They stay open as long as this process lives.
_locks: list[int] = []


def _keep(port: int) -> bool:
    """Locks the port, so that two installations that start together don't choose the same one."""
    return _lock(f"yanshu-port-{port}") is not None


def _lock(name: str) -> int | None:
    """The descriptor of a machine-wide lock that ends with the process; None if another process
    holds it. On Linux it is an abstract socket: like a port, it is shared by all users, and a
    private /tmp doesn't hide it."""
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
            # The file belongs to another user, or the lock is held.
            return None
    _locks.append(descriptor)
    return descriptor


def require_free(host: str, port: int) -> None:
    """Raises PortError unless `port` is free. granian shares ports (SO_REUSEPORT), so a second
    instance would silently take a part of the requests; a plain bind fails if anything listens. The
    lock guards against an instance that starts at the same moment. It is inheritable: this process
    becomes the web server by exec, which keeps the lock."""
    free = not _taken(host, port) and _bind(host, port, port) is not None
    if free and (lock := _lock(f"yanshu-web-{port}")) is not None:
        os.set_inheritable(lock, True)
        return
    raise PortError(
        f"port {port} of {host or 'this host'} is in use{_by(port)}. Stop that program, or set "
        "PORT to another one."
    )


def _by(port: int) -> str:
    """The process that listens there, if we are allowed to see it."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            at = connection.laddr[1] if connection.laddr else 0
            if connection.status == psutil.CONN_LISTEN and at == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return ""


def kept_port(path: Path, wanted: int) -> int:
    """The port of the last start if it is free, else another one. Another installation may use the
    old port by now, and our mail must not reach its sandbox."""
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
    """Whether a server answers there. A bind alone isn't enough: macOS allows it beside a server
    that listens on every address."""
    if port == 0:
        return False
    try:
        with socket.create_connection((reachable(host), port), timeout=1):
            return True
    except OSError:
        return False
