"""Talks to a relay step by step, as a worker would, and records every line.

Greeting and login follow smtp.steps; the other commands are the same as a worker's. It uses plain
streams, so that an error shows at its own step. Secrets never enter the transcript.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar, cast

from relays.exceptions import RelaysError
from smtp import Server, ehloname, hosts, steps, stuffed, tls_context
from smtp.remarks import Remark
from smtp.replies import Stage

# Seconds for the connection, for one reply, and for the whole test: a request waits for it.
CONNECT, REPLY, TOTAL = 8.0, 10.0, 20.0
# Bytes of a line, and lines of a reply.
MOST_BYTES, MOST_LINES = 64 * 1024, 100
MASK = "••••••••"
T = TypeVar("T")


class TrialStep(StrEnum):
    """The steps of a test in their order; steps that don't apply are left out."""

    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


# What the server is asked in a step; in all others it is about the connection.
STAGES = {
    TrialStep.LOGIN: Stage.AUTH,
    TrialStep.SENDER: Stage.MAIL,
    TrialStep.RECIPIENT: Stage.RCPT,
    TrialStep.CONTENT: Stage.DATA,
}


@dataclass(frozen=True, slots=True)
class DialogueLine:
    """One line of the dialogue. `who`: us, server, or note (a remark of ours)."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class ServerReply:
    code: int
    # Lines joined by spaces, without the code.
    words: str
    lines: tuple[str, ...]


@dataclass(slots=True)
class Dialogue:
    """The lines of the dialogue, its last step, and the error or refusal that ended it."""

    done: list[TrialStep] = field(default_factory=list)
    failed: TrialStep | None = None
    # What was asked last.
    stage: Stage = Stage.UNKNOWN
    error: Exception | None = None
    refusal: ServerReply | None = None
    # A missing offer that ended it: no_starttls, no_auth or no_method.
    missing: str = ""
    lines: list[DialogueLine] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.failed is None


@dataclass(frozen=True, slots=True)
class RelayTrial:
    """What to test. The `recipient` is named to the server only if given; `content` (CRLF lines) is
    sent only if both are given."""

    server: Server
    sender: str
    recipient: str = ""
    content: bytes = b""


class StepRefusedError(RelaysError):
    def __init__(self, reply: ServerReply) -> None:
        super().__init__(f"{reply.code} {reply.words}")
        self.reply = reply


def talk(trial: RelayTrial) -> Dialogue:
    """The whole dialogue. Takes up to TOTAL seconds; never raises for errors of a server."""
    return asyncio.run(_talk(trial))


async def _talk(trial: RelayTrial) -> Dialogue:
    talk = _Talk(trial)
    try:
        async with asyncio.timeout(TOTAL):
            await talk.run()
    except StepRefusedError as refused:
        talk.dialogue.refusal = refused.reply
    except steps.RefusedError as refused:
        answer = refused.answer
        talk.dialogue.refusal = ServerReply(answer.code, answer.words, answer.lines)
    except steps.NotOfferedError as missing:
        talk.dialogue.missing = missing.code
    except (OSError, EOFError, ValueError, hosts.HostError) as error:  # also TimeoutError, SSLError
        talk.dialogue.error = error
        talk.note(str(error).strip() or type(error).__name__)
    finally:
        talk.close()
    if not (talk.dialogue.refusal or talk.dialogue.missing or talk.dialogue.error):
        talk.dialogue.failed = None
    return talk.dialogue


class _Talk:
    def __init__(self, trial: RelayTrial) -> None:
        self.trial = trial
        self.server = trial.server
        self.dialogue = Dialogue()
        # Our name in EHLO, and the server's offers: {keyword: parameters}.
        self.name = ""
        self.extensions: dict[str, str] = {}
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        implicit = self.server.security == "tls"
        sock = await self._step(TrialStep.CONNECT, self._connect)
        self.name = ehloname.of_socket(sock)
        await self._step(
            TrialStep.TLS if implicit else TrialStep.CONNECT, lambda: self._open(sock, implicit)
        )
        await self._step(TrialStep.GREETING, self._greeting)
        await self._step(TrialStep.EHLO, self._ehlo)
        if self.server.security == "starttls":
            await self._step(TrialStep.STARTTLS, self._starttls)
        if self.server.username:
            await self._step(TrialStep.LOGIN, self._login)
        await self._step(TrialStep.SENDER, lambda: self._ask(f"MAIL FROM:<{self.trial.sender}>"))
        if self.trial.recipient:
            ask = f"RCPT TO:<{self.trial.recipient}>"
            await self._step(TrialStep.RECIPIENT, lambda: self._ask(ask))
        if self.trial.recipient and self.trial.content:
            await self._step(TrialStep.CONTENT, self._content)
        else:
            await self._ask("RSET")
        self._say("QUIT")
        await self._read()

    async def _step(self, step: TrialStep, work: Callable[[], Awaitable[T]]) -> T:
        self.dialogue.failed = step
        self.dialogue.stage = STAGES.get(step, Stage.CONNECT)
        result = await work()
        if step not in self.dialogue.done:
            self.dialogue.done.append(step)
        self.dialogue.failed = None
        return result

    async def _connect(self) -> socket.socket:
        place = self.server
        self.note(f"{place.host}:{place.port}")
        return await hosts.connect(
            place.host, place.port, seconds=CONNECT, trusted=self.server.trusted
        )

    async def _open(self, sock: socket.socket, implicit: bool) -> None:
        secure = {"ssl": tls_context(), "server_hostname": self.server.host} if implicit else {}
        async with asyncio.timeout(CONNECT):
            self._reader, self._writer = await asyncio.open_connection(
                sock=sock,
                limit=MOST_BYTES,
                **secure,  # type: ignore[arg-type]  # two of its options
            )
        if implicit:
            self._note_tls()

    async def _greeting(self) -> None:
        reply = await self._read()
        if reply.code != 220:
            raise StepRefusedError(reply)

    async def _ehlo(self) -> None:
        self.extensions = await self._follow(steps.greet(self.name))

    async def _starttls(self) -> None:
        if "starttls" not in self.extensions:
            raise steps.NotOfferedError("no_starttls")
        await self._ask("STARTTLS")
        if self._writer is None:
            raise EOFError
        async with asyncio.timeout(CONNECT):
            await self._writer.start_tls(tls_context(), server_hostname=self.server.host)
        self._note_tls()
        await self._ehlo()

    async def _login(self) -> None:
        place = self.server
        secure = place.security != "none"
        await self._follow(
            steps.log_in(place.username, place.password, self.extensions, encrypted=secure)
        )

    async def _follow(self, following: Generator[steps.Command, steps.Answer, T]) -> T:
        """Sends each command of the steps and passes its answer back, until the steps end."""
        try:
            command = next(following)
            while True:
                self._say(command.text, secret=command.secret)
                reply = await self._read()
                words = tuple(line[4:] for line in reply.lines)
                command = following.send(steps.Answer(reply.code, words))
        except StopIteration as end:
            return cast("T", end.value)

    async def _content(self) -> None:
        await self._ask("DATA")
        content = self.trial.content
        self.dialogue.lines.append(DialogueLine("us", f"[{len(content)} bytes]"))
        self._send(b"".join(stuffed(content)))
        self.dialogue.stage = Stage.CONTENT
        reply = await self._read()
        if reply.code >= 400:
            raise StepRefusedError(reply)

    async def _ask(self, command: str, *, secret: str = "") -> ServerReply:
        """Sends a line and reads the reply. Raises StepRefusedError."""
        self._say(command, secret=secret)
        reply = await self._read()
        if reply.code >= 400:
            raise StepRefusedError(reply)
        return reply

    def _say(self, command: str, *, secret: str = "") -> None:
        shown = " ".join(part for part in (command, MASK if secret else "") if part)
        self.dialogue.lines.append(DialogueLine("us", shown))
        self._send(" ".join(part for part in (command, secret) if part).encode() + b"\r\n")

    def _send(self, data: bytes) -> None:
        if self._writer is None:
            raise EOFError
        self._writer.write(data)

    async def _read(self) -> ServerReply:
        lines: list[str] = []
        async with asyncio.timeout(REPLY):
            while not lines or lines[-1][3:4] == "-":
                raw = await self._reader.readline()
                if not raw:
                    raise EOFError(str(Remark("closed")))
                lines.append(self._hidden(raw.decode("utf-8", "replace").rstrip("\r\n")))
                self.dialogue.lines.append(DialogueLine("server", lines[-1]))
                if not lines[-1][:3].isdigit() or len(lines) > MOST_LINES:
                    raise ValueError(str(Remark("no_smtp")))
        words = " ".join(line[4:].strip() for line in lines)
        return ServerReply(int(lines[0][:3]), words, tuple(lines))

    def _hidden(self, text: str) -> str:
        """The text with secrets masked: a server may repeat its input."""
        secret = self.server.password
        whole = f"\0{self.server.username}\0{secret}"
        for form in (secret, steps.encoded(secret), steps.encoded(whole)):
            text = text.replace(form, MASK) if secret else text
        return text

    def _note_tls(self) -> None:
        kind = self._writer.get_extra_info("ssl_object") if self._writer else None
        if isinstance(kind, ssl.SSLObject):
            cipher = kind.cipher()
            self.note(f"{kind.version()} {cipher[0] if cipher else ''}")

    def note(self, text: str) -> None:
        self.dialogue.lines.append(DialogueLine("note", text))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
