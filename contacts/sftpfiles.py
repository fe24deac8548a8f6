"""Fetches a file over SFTP, from a server whose key a person has confirmed.

Without a confirmed key only the server's key is asked for: no log-in is sent. Nothing of this
host's own SSH (configuration, agent, keys, known hosts) is used.
"""

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from stat import S_ISREG
from typing import Any, NoReturn, TypeVar, cast

import asyncssh

from contacts import fetching, privatekeys
from contacts.fetching import (
    Bounds,
    Deadline,
    FetchedFile,
    FetchError,
    FileLogin,
    HostKeyError,
    Version,
)
from contacts.fileaddresses import FileAddress
from contacts.webfiles import connected
from pages.oneline import one_line

# Bytes that are asked for at once, in several requests.
AT_ONCE = 1 << 20
# `/~/` in an address is the home folder of the user.
HOME = "/~/"
T = TypeVar("T")


@contextmanager
def opened(
    address: FileAddress, login: FileLogin, seen: Version, bounds: Bounds
) -> Iterator[FetchedFile | None]:
    """The file at the address; None if it is the one that was `seen`, by size and time. Raises
    FetchError; HostKeyError if the server's key is not the confirmed one."""
    with Deadline(bounds) as deadline, asyncio.Runner() as runner:
        session = _Session(address, login, bounds, deadline, runner)
        try:
            version, size = session.begin()
            if version == seen:
                yield None
                return
            if size > bounds.most:
                raise FetchError("too_large")
            pieces = fetching.unpacked(session.pieces(version, size), most=bounds.most)
            yield FetchedFile(one_line(address.filename)[:200], version, pieces)
        finally:
            session.end()


class _Session:
    """A connection, whose steps are run one by one: what asks for the bytes is no coroutine."""

    def __init__(
        self,
        address: FileAddress,
        login: FileLogin,
        bounds: Bounds,
        deadline: Deadline,
        runner: asyncio.Runner,
    ) -> None:
        self.address = address
        self.login = login
        self.bounds = bounds
        self.deadline = deadline
        self.runner = runner
        self.connection: asyncssh.SSHClientConnection | None = None
        self.sockets: list[socket.socket] = []
        self.path = address.path.removeprefix(HOME)

    def begin(self) -> tuple[Version, int]:
        """Connect and open the file; returns its version and size."""
        if not self.login.host_key:
            raise HostKeyError("host_key", self._shown_key())
        try:
            self.connection = self._run(self._connect())
        except asyncssh.HostKeyNotVerifiable as error:
            raise HostKeyError("host_key_changed", self._shown_key()) from error
        self.sftp = self._run(_client(self.connection))
        found = self._look()
        self.file = self._run(_file(self.sftp, self.path))
        return found

    def _look(self) -> tuple[Version, int]:
        found = self._run(self.sftp.stat(self.path))
        if found.permissions is not None and not S_ISREG(found.permissions):
            raise FetchError("not_a_file")
        if found.size is None:
            raise FetchError("garbled")
        return Version(modified=f"{found.size} {found.mtime or 0}"), found.size

    def pieces(self, version: Version, size: int) -> Iterator[bytes]:
        """All bytes. Raises FetchError if they are not those of the file that was opened."""
        left = size
        while piece := self.deadline.take(lambda: self._run(_read(self.file))):
            left -= len(piece)
            yield piece
            if left < 0:
                break
        if left or self._look() != (version, size):
            raise FetchError("changing", temporary=True)

    def end(self) -> None:
        if self.connection is not None:
            self.connection.abort()
            with suppress(Exception):
                self.runner.run(asyncio.wait_for(self.connection.wait_closed(), 5))
        for made in self.sockets:
            made.close()

    def _socket(self) -> socket.socket:
        made = connected(self.address, self.bounds, self.deadline)
        self.sockets.append(made)
        made.setblocking(False)
        return made

    def _shown_key(self) -> str:
        key = self._run(self._ask_key(self._socket()))
        if key is None:
            raise FetchError("garbled")
        return " ".join(key.export_public_key("openssh").decode().split()[:2])

    async def _ask_key(self, made: socket.socket) -> asyncssh.SSHKey | None:
        return await asyncssh.get_server_host_key(sock=made, config=None)

    async def _connect(self) -> asyncssh.SSHClientConnection:
        trusted = asyncssh.import_public_key(self.login.host_key)
        return await asyncssh.connect(
            self.address.host,
            self.address.port,
            sock=self._socket(),
            config=None,
            known_hosts=([trusted], [], []),
            username=self.login.username,
            password=self.login.password or None,
            client_keys=[_private(self.login.key)] if self.login.key else None,
            agent_path=None,
            connect_timeout=fetching.SILENT,
            login_timeout=fetching.SILENT,
        )

    def _run(self, step: Coroutine[Any, Any, T]) -> T:
        """Run one step within the time for silence. Raises FetchError."""
        try:
            return self.runner.run(asyncio.wait_for(step, fetching.SILENT))
        except asyncssh.HostKeyNotVerifiable:
            raise
        except (OSError, asyncssh.Error, ValueError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        self.deadline.check()
        words = getattr(error, "reason", "") or error
        refusals = {
            asyncssh.PermissionDenied: "login",
            asyncssh.SFTPNoSuchFile: "not_found",
            asyncssh.SFTPNoSuchPath: "not_found",
            asyncssh.SFTPPermissionDenied: "status",
        }
        for kind, code in refusals.items():
            if isinstance(error, kind):
                raise FetchError(code, words) from error
        if isinstance(error, TimeoutError):
            raise FetchError("silent", temporary=True) from error
        ended = (asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, OSError)
        if isinstance(error, ended):
            raise FetchError("broken_off", temporary=True) from error
        if isinstance(error, asyncssh.SFTPError):
            raise FetchError("status", words) from error
        raise FetchError("garbled", words) from error


async def _client(connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
    return await connection.start_sftp_client()


async def _file(sftp: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPClientFile:
    return await sftp.open(path, "rb")


async def _read(file: asyncssh.SFTPClientFile) -> bytes:
    return cast("bytes", await file.read(AT_ONCE))


def _private(text: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise FetchError(privatekeys.wrong(text) or "private_key") from error
