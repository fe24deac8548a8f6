"""An SMTP server on loopback that writes down what it gets and misbehaves when told to.

Recipients ask by their local part: `reject…` 550 at RCPT, `defer…` 451 at RCPT, `spam…` 554 after
the content, `rate…` 421, `drop…` the connection is cut instead of the reply to the content,
`early…` it is cut before the content, `stuck…` no reply at all.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.mailservers.threads import serving

RULES = {
    "reject": b"550 5.1.1 User unknown\r\n",
    "defer": b"451 4.3.0 Try again later\r\n",
    "full": b"452 4.2.2 Mailbox full\r\n",
    "sender": b"550 5.7.60 Client not authorized to send as this sender\r\n",
}


class Sink:
    def __init__(self) -> None:
        self.port = 0
        self.mails: list[tuple[str, str, bytes]] = []
        self.accepted: Counter[str] = Counter()
        self.delay = 0.0
        # Seconds that the server takes for each reply to a content.
        self.deferred: Counter[str] = Counter()
        self.connections = 0
        self.login: tuple[str, str] | None = None
        # What it offers beside 8BITMIME, such as b"SIZE 1000" and b"PIPELINING".
        self.offers: list[bytes] = []
        # What it says to MAIL and to a recipient; None: as below.
        self.at_mail: bytes | None = None
        self.answer: Callable[[str], bytes | None] = lambda _: None
        self._lock = threading.Lock()

    async def session(  # noqa: C901, PLR0912 - one branch for each command
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        writer.write(b"220 sink ESMTP\r\n")
        sender = recipient = ""
        refused = False
        while line := await reader.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                auth = b"250-AUTH PLAIN\r\n" if self.login else b""
                offers = b"".join(b"250-" + one + b"\r\n" for one in self.offers)
                writer.write(b"250-sink\r\n" + auth + offers + b"250 8BITMIME\r\n")
            elif verb == b"AUTH":
                writer.write(b"535 5.7.8 Authentication failed\r\n")
            elif verb == b"MAIL":
                sender = line.decode().split("<")[1].split(">")[0]
                refused = self.at_mail is not None
                writer.write(self.at_mail or b"250 ok\r\n")
            elif verb == b"RCPT":
                recipient = line.decode().split("<")[1].split(">")[0]
                if recipient.startswith("early"):
                    return
                reply = self._rcpt(recipient)
                refused = refused or not reply.startswith(b"250")
                writer.write(b"503 5.5.1 MAIL first\r\n" if self.at_mail else reply)
            elif verb == b"DATA" and refused:
                writer.write(b"503 5.5.1 No valid recipients\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                if recipient.startswith("stuck"):
                    await asyncio.sleep(3600)
                await asyncio.sleep(self.delay)
                if recipient.startswith("spam"):
                    writer.write(b"554 5.7.1 Looks like spam\r\n")
                    continue
                with self._lock:
                    self.accepted[recipient] += 1
                    self.mails.append((sender, recipient, content))
                if recipient.startswith("drop"):
                    return
                writer.write(b"250 2.0.0 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")

    def _rcpt(self, recipient: str) -> bytes:
        if (said := self.answer(recipient)) is not None:
            return said
        for name, reply in RULES.items():
            if recipient.startswith(name):
                if name == "defer":
                    self.deferred[recipient] += 1
                    if self.deferred[recipient] > 1:
                        return b"250 ok\r\n"
                return reply
        return b"250 ok\r\n"


@contextmanager
def running(port: int = 0) -> Iterator[Sink]:
    """A sink on a free port."""
    sink = Sink()
    with serving(sink.session, port=port) as sink.port:
        yield sink
