"""A real IMAP server on loopback (pymap, in memory) that tests fill and look into.

Everything a test does with a mailbox goes through a second IMAP connection of its own, as a person
with a mail program would.
"""

import asyncio
import ssl
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from imapclient import IMAPClient
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import Config, DictBackend, Login
from pymap.imap import IMAPServer
from pysasl.hashing import BuiltinHash

from tests.mailservers.threads import looping

USER, PASSWORD = "bounces@brand.example", "correct-horse"


class Imap:
    """The server's account."""

    port: int

    def __init__(self, login: Login) -> None:
        self._login = login

    @contextmanager
    def client(self) -> Iterator[IMAPClient]:
        client = IMAPClient("127.0.0.1", self.port, ssl=False)
        client.login(USER, PASSWORD)
        try:
            yield client
        finally:
            client.logout()

    def append(self, *mails: bytes, folder: str = "INBOX", flags: tuple[bytes, ...] = ()) -> None:
        with self.client() as client:
            for mail in mails:
                client.append(folder, mail, flags)

    def contents(self, folder: str = "INBOX") -> dict[int, tuple[bytes, tuple[bytes, ...]]]:
        """UID: (the mail, its flags), without changing any."""
        with self.client() as client:
            if not client.folder_exists(folder):
                return {}
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search("ALL"), ["BODY.PEEK[]", "FLAGS"])
            return {
                uid: (data[b"BODY[]"], tuple(f for f in data[b"FLAGS"] if f != b"\\Recent"))
                for uid, data in found.items()
            }

    def rebuild(self) -> None:
        """The folder is made anew: another UIDVALIDITY, other UIDs, the same mails."""
        mails = [raw for _, (raw, _) in sorted(self.contents().items())]
        self._login.config.set_cache.clear()
        self.append(*mails)


@contextmanager
def running(
    tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> Iterator[Imap]:
    """The server on a free port. It is made in its own thread, too."""
    with looping() as loop:
        starting = asyncio.run_coroutine_threadsafe(_start(tls, starttls), loop)
        imap, server = starting.result(20)
        try:
            yield imap
        finally:
            loop.call_soon_threadsafe(server.close)


async def _start(
    tls: ssl.SSLContext | None, starttls: ssl.SSLContext | None
) -> tuple[Imap, asyncio.Server]:
    config = Config(
        Namespace(passlib_cfg=None, proxy_protocol=None),
        host=None,
        port=0,
        tls_enabled=starttls is not None,
        ssl_context=starttls,
        reject_dnsbl=False,
        demo_data=False,
        demo_user=USER,
        demo_password=PASSWORD,
        invalid_user_sleep=0,
        # Its own take a quarter of a second of a processor for each log-in.
        hash_context=BuiltinHash(rounds=1),
    )
    config.apply_context()
    login = Login(config)
    await DictBackend._add_demo_user(config, login)
    reader = ProxyProtocolReader(ProxyProtocolVersion.get("noop"))
    serve = reader.get_callback(IMAPServer(login, config))

    async def session(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            await serve(incoming, outgoing)

    server = await asyncio.start_server(session, "127.0.0.1", 0, ssl=tls)
    imap = Imap(login)
    imap.port = server.sockets[0].getsockname()[1]
    return imap, server
