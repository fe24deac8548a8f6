"""Runs the sandbox: SMTP and IMAP on loopback until SIGTERM or SIGINT."""

import asyncio
import signal
from collections.abc import Callable

import uvloop

from sandbox import logins, smtpserver
from sandbox.imapserver import Mailboxes
from sandbox.store import Store

# Loopback only: other machines must not send mail into the sandbox or read it.
HOST = "127.0.0.1"


class Sandbox:
    """Both servers. Call `start` and `stop` in a running event loop."""

    def __init__(self) -> None:
        self.store = Store()
        self.mailboxes = Mailboxes(self.store, self._log_in)
        self.smtp = smtpserver.SandboxServer(self.store.keep, self._log_in)
        self.servers: list[asyncio.Server] = []

    async def start(self, *, smtp_port: int, imap_port: int) -> None:
        """Port 0 means any port. Raises OSError if a port is in use."""
        await self.mailboxes.load()
        self.servers = [
            await asyncio.start_server(
                self.smtp.serve, HOST, smtp_port, limit=smtpserver.LONGEST_LINE
            ),
            await asyncio.start_server(self.mailboxes.serve, HOST, imap_port),
        ]

    @property
    def ports(self) -> tuple[int, int]:
        """(SMTP port, IMAP port)."""
        smtp_port, imap_port = (server.sockets[0].getsockname()[1] for server in self.servers)
        return int(smtp_port), int(imap_port)

    async def stop(self) -> None:
        for server in self.servers:
            server.close()
        await self.smtp.stop()
        await self.mailboxes.stop()
        await self.store.close()

    async def _log_in(self, username: str, password: str) -> int | None:
        return await self.store.run(lambda: logins.workspace_of(username, password))


def run(*, smtp_port: int, imap_port: int, ready: Callable[[], None]) -> None:
    """Runs until a signal. `ready` is called when both servers listen."""
    uvloop.run(_run(smtp_port, imap_port, ready))


async def _run(smtp_port: int, imap_port: int, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sandbox = Sandbox()
    await sandbox.start(smtp_port=smtp_port, imap_port=imap_port)
    ready()
    await stop.wait()
    await sandbox.stop()
