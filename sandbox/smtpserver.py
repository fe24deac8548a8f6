"""An SMTP server (RFC 5321) that stores mail, and refuses it if the recipient's address asks for
it.

Mail of a session with a login belongs to the login's workspace; without a login it is the
platform's own. A mail is acknowledged when it and its returned mail are stored.
"""

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from django.utils import timezone

from sandbox import behaviour
from sandbox.behaviour import Behaviour
from sandbox.exceptions import SandboxError
from sandbox.returns import HOST, Taken

LARGEST_MAIL = 25 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
# Seconds without a command after which a session is closed (RFC 5321, 4.5.3.2.7).
IDLE = 300
# Recipients with temporary refusals that are remembered.
REMEMBERED = 100_000
PATH = re.compile(r"(?:FROM|TO):\s*<([^<>]*)>", re.IGNORECASE)
GREETING = (
    HOST,
    "PIPELINING",
    f"SIZE {LARGEST_MAIL}",
    "8BITMIME",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    "AUTH PLAIN LOGIN",
)
# Stores a mail. Raises StoreError.
Keep = Callable[[int | None, Taken, Behaviour], Awaitable[None]]
# The workspace's id for user and password; None if they are wrong.
LogIn = Callable[[str, str], Awaitable[int | None]]


class StoreError(SandboxError):
    """The mail could not be stored."""


class Tries:
    """The number of tries for each recipient, and the time of the first, in memory only."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, float]] = {}

    def count(self, key: str) -> tuple[int, float]:
        """The number of this try (from 1) and the seconds since the first."""
        tries, first = self._known.get(key, (0, time.monotonic()))
        if len(self._known) >= REMEMBERED and key not in self._known:
            self._known.pop(next(iter(self._known)))
        self._known[key] = (tries + 1, first)
        return tries + 1, time.monotonic() - first


@dataclass
class Envelope:
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)


class SandboxServer:
    """The sessions on one port. `keep` stores a mail; `log_in` checks a login."""

    def __init__(self, keep: Keep, log_in: LogIn) -> None:
        self.keep = keep
        self.log_in = log_in
        self.tries = Tries()
        self.sessions: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task  # noqa: S101 - asyncio runs this in a task
        self.sessions.add(task)
        try:
            await SandboxSession(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        except ValueError:
            writer.write(b"500 5.5.2 Line too long\r\n")
        except asyncio.CancelledError:
            writer.write(b"421 4.3.2 The sandbox is being stopped\r\n")
        finally:
            self.sessions.discard(task)
            writer.close()

    async def stop(self) -> None:
        for task in self.sessions:
            task.cancel()
        await asyncio.gather(*self.sessions, return_exceptions=True)


class SandboxSession:
    """One connection."""

    def __init__(
        self, server: SandboxServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.workspace: int | None = None
        self.envelope = Envelope()
        self.closing = False

    async def run(self) -> None:
        self.say(f"220 {HOST} ESMTP Yanshu mail sandbox")
        while not self.closing and (line := await self.read_line()):
            words = line.decode("utf-8", "surrogateescape").strip()
            verb, _, rest = words.partition(" ")
            handler = COMMANDS.get(verb.upper())
            if handler is None:
                self.say("500 5.5.1 Unknown command")
            else:
                await handler(self, rest.strip())
            await self.writer.drain()

    async def read_line(self) -> bytes:
        async with asyncio.timeout(IDLE):
            return await self.reader.readline()

    def say(self, *lines: str) -> None:
        """A reply of one line, or of several after the code ("250", "first", ...)."""
        if len(lines) > 1:
            code, *rest = lines
            lines = (*(f"{code}-{line}" for line in rest[:-1]), f"{code} {rest[-1]}")
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def hello(self, _rest: str) -> None:
        self.envelope = Envelope()
        self.say("250", *GREETING)

    async def short_hello(self, _rest: str) -> None:
        self.envelope = Envelope()
        self.say(f"250 {HOST}")

    async def authenticate(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        try:
            if mechanism.upper() == "PLAIN":
                _who, user, password = (await self.ask("", initial)).split("\0")
            elif mechanism.upper() == "LOGIN":
                user, password = await self.ask("Username:", initial), await self.ask("Password:")
            else:
                self.say("504 5.5.4 Use PLAIN or LOGIN")
                return
        except (ValueError, binascii.Error):
            self.say("501 5.5.2 That login can't be read")
            return
        self.workspace = await self.server.log_in(user, password)
        if self.workspace is None:
            self.say("535 5.7.8 User or password is wrong")
        else:
            self.say("235 2.7.0 Logged in")

    async def ask(self, question: str, answer: str = "") -> str:
        if not answer:
            self.say(f"334 {base64.b64encode(question.encode()).decode()}")
            answer = (await self.read_line()).decode().strip()
        return base64.b64decode(answer, validate=True).decode()

    async def mail(self, rest: str) -> None:
        if self.envelope.sender is not None:
            self.say("503 5.5.1 There is a sender already")
        elif found := PATH.match(rest):
            self.envelope = Envelope(found[1])
            self.say("250 2.1.0 Sender ok")
        else:
            self.say("501 5.5.4 Write MAIL FROM:<address>")

    async def recipient(self, rest: str) -> None:
        found = PATH.match(rest)
        if self.envelope.sender is None:
            self.say("503 5.5.1 MAIL first")
        elif not found or "@" not in found[1]:
            self.say("501 5.1.3 Write RCPT TO:<address>")
        elif reply := self.refusal(found[1], behaviour.of(found[1]).at_recipient):
            self.say(reply)
            self.closing = reply.startswith("421")
        else:
            self.envelope.recipients.append(found[1])
            self.say("250 2.1.5 Recipient ok")

    def refusal(self, recipient: str, refusal: behaviour.Refusal | None) -> str:
        if refusal is None:
            return ""
        return refusal.reply(*self.server.tries.count(f"{self.workspace} {recipient.lower()}"))

    async def data(self, _rest: str) -> None:
        if not self.envelope.recipients:
            self.say("503 5.5.1 RCPT first")
            return
        self.say("354 Go on, end with a line of one dot")
        content = await self.read_content()
        envelope, self.envelope = self.envelope, Envelope()
        if content is None:
            self.say("552 5.3.4 The message is too large")
            return
        self.say(await self.take(envelope, content))

    async def read_content(self) -> bytes | None:
        """The content without dot-stuffing; None if it is too large."""
        lines, size = [], 0
        async with asyncio.timeout(IDLE):
            while (line := await self.reader.readline()) != b".\r\n":
                if not line:
                    raise ConnectionError
                size += len(line)
                if size <= LARGEST_MAIL:
                    lines.append(line.removeprefix(b"."))
        return b"".join(lines) if size <= LARGEST_MAIL else None

    async def take(self, envelope: Envelope, content: bytes) -> str:
        """Stores a copy for each recipient. Returns the reply."""
        for recipient in envelope.recipients:
            asked = behaviour.of(recipient)
            if asked.pause:
                await asyncio.sleep(asked.pause)
            if reply := self.refusal(recipient, asked.at_content):
                return reply
            mail = Taken(envelope.sender or "", recipient, content, timezone.now())
            try:
                await self.server.keep(self.workspace, mail, asked)
            except StoreError:
                return "451 4.3.0 The sandbox can't store the mail now"
        return "250 2.0.0 Kept in the sandbox"

    async def reset(self, _rest: str) -> None:
        self.envelope = Envelope()
        self.say("250 2.0.0 Ok")

    async def nothing(self, _rest: str) -> None:
        self.say("250 2.0.0 Ok")

    async def verify(self, _rest: str) -> None:
        self.say("252 2.5.2 Send a mail to find out")

    async def leave(self, _rest: str) -> None:
        self.say("221 2.0.0 Bye")
        self.closing = True


COMMANDS: dict[str, Callable[[SandboxSession, str], Awaitable[None]]] = {
    "EHLO": SandboxSession.hello,
    "HELO": SandboxSession.short_hello,
    "AUTH": SandboxSession.authenticate,
    "MAIL": SandboxSession.mail,
    "RCPT": SandboxSession.recipient,
    "DATA": SandboxSession.data,
    "RSET": SandboxSession.reset,
    "NOOP": SandboxSession.nothing,
    "VRFY": SandboxSession.verify,
    "QUIT": SandboxSession.leave,
}
