"""asyncssh's own SFTP server on loopback, with a file."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import asyncssh

from tests.contacts.fileservers import PEOPLE
from tests.mailservers import threads

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")
USER_KEY = asyncssh.generate_private_key("ssh-ed25519")


def public(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


class Doorman(asyncssh.SSHServer):
    """Knows ann by her password or her key; `tried`: the log-ins of all tests."""

    tried: ClassVar[list[str]] = []

    def begin_auth(self, username: str) -> bool:
        self.tried.append(username)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ann", "pa ss")

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "ann" and key.public_data == USER_KEY.public_data


@dataclass
class SftpServer:
    folder: Path
    port: int

    def url(self, path: str = "/people.csv") -> str:
        return f"sftp://localhost:{self.port}{path}"


@contextmanager
def serving(under: Path) -> Iterator[SftpServer]:
    folder = under / "files"
    folder.mkdir()
    (folder / "people.csv").write_bytes(PEOPLE)
    Doorman.tried.clear()

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=os.fsencode(folder))

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[HOST_KEY],
            server_factory=Doorman,
            sftp_factory=Files,
            config=None,
        )

    with threads.looping() as loop:
        acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        yield SftpServer(folder, acceptor.get_port())
        loop.call_soon_threadsafe(acceptor.close)
        done = asyncio.run_coroutine_threadsafe(acceptor.wait_closed(), loop)
        done.result(10)
