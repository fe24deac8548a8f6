"""One connection to a server of faults: strict about the order of commands, wrong where the plan
wants it."""

import asyncio
import base64
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from tests.sending.engine.faults.faultplan import Breaks, Does, Fault, Mail, Step

if TYPE_CHECKING:
    from tests.sending.engine.faults.server import Server

OK = b"250 2.0.0 ok\r\n"
OUT_OF_ORDER = b"503 5.5.1 out of order\r\n"
NO_SUCH_USER = b"550 5.1.1 nobody here\r\n"
# Seconds between two bytes of a trickle.
DRIP = 0.01


class Session(asyncio.Protocol):
    def __init__(self, server: "Server") -> None:
        self.server = server
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.out: list[bytes] = []
        # Nothing is read while an answer is not out: it never comes, is held or trickles.
        self.stuck = False
        self.secure = server.implicit
        self.known = False  # logged in
        self.reading = False  # content, up to its dot
        self.chunk: tuple[int, bool] | None = None  # bytes of a chunk, and whether it is the last
        self.content = bytearray()
        self.seen = 0  # bytes of the content in which no end was found
        self.begun = False  # some of the content has come
        self.challenge = False
        self.sender: str | None = None
        self.recipient: str | None = None
        self.number = 0

    # The connection -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's derives from nothing
        if self.number:  # again, after STARTTLS
            return
        server = self.server
        self.number = server.connections = server.connections + 1
        server.sessions.add(self)
        server.most_open = max(server.most_open, len(server.sessions))
        self.answer(Step.GREETING, b"220 fault.example ESMTP\r\n")
        self.flush()

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        self.server.sessions.discard(self)
        self.server.tell()

    def close(self, *, reset: bool = False) -> None:
        if self.transport is None:
            return
        self.stuck = True
        if reset:
            with suppress(OSError):
                place = self.transport.get_extra_info("socket")
                place.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.flush()
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.work()

    def work(self) -> None:
        """Whatever of the buffer is whole."""
        while self.transport is not None and not self.stuck and self._next():
            pass
        self.flush()

    def flush(self) -> None:
        if self.out and self.transport is not None and not self.transport.is_closing():
            self.transport.write(b"".join(self.out))
        self.out.clear()

    def _next(self) -> bool:
        if self.reading:
            return self._content()
        if self.chunk is not None:
            return self._chunk(*self.chunk)
        line, found, _ = self.buffer.partition(b"\r\n")
        if not found:
            return False
        del self.buffer[: len(line) + 2]
        self._command(bytes(line))
        return True

    # Answers ------------------------------------------------------------------------------------

    def answer(
        self, step: Step, reply: bytes, then: Callable[[], None] | None = None
    ) -> Fault | None:
        """Says the right answer and does what goes with it, or what a fault wants instead; returns
        that fault."""
        fault = self.server.fault(step)
        if fault is None:
            self._say(reply, then)
        elif fault.does in {Does.SAY, Does.LAST}:
            # What is the right code all the same counts.
            self._say(fault.words, then if fault.words[:3] == reply[:3] else None)
            self._note(step, fault.words)
            if fault.does is Does.LAST or fault.words.startswith(b"421"):
                self.close()
        elif fault.does in {Does.CLOSE, Does.RESET}:
            self.close(reset=fault.does is Does.RESET)
        elif fault.does is Does.SILENT:
            self.stuck = True
        elif fault.does is Does.HOLD:
            self.stuck = True
            who = self.recipient or self.sender or ""
            self.server.hold(step, who, lambda: self._resume(reply, then))
        elif fault.does in {Does.SPLIT, Does.TRICKLE}:
            self.stuck = True
            if then:
                then()
            self.flush()
            self._drip(fault.words or reply, DRIP if fault.does is Does.TRICKLE else 0.0)
        else:
            self._say(strange(fault.does, reply), then)
        return fault

    def _say(self, reply: bytes, then: Callable[[], None] | None = None) -> None:
        self.out.append(reply)
        if then:
            then()

    def _resume(self, reply: bytes, then: Callable[[], None] | None) -> None:
        if self.transport is None:
            return
        self.stuck = False
        self._say(reply, then)
        self.work()

    def _drip(self, rest: bytes, pause: float) -> None:
        if self.transport is None:
            return
        self.transport.write(rest[:1])
        if rest[1:]:
            self.server.loop.call_later(pause, self._drip, rest[1:], pause)
        else:
            self.stuck = False
            self.work()

    def _note(self, step: Step, reply: bytes) -> None:
        if self.recipient and reply[:1] in b"45":
            self.server.refused[self.recipient].append(reply)
        elif step is Step.MAIL and reply[:1] in b"45":
            self.server.refused_unseen.append(reply)

    # Commands -----------------------------------------------------------------------------------

    def _command(self, line: bytes) -> None:
        breaks = self.server.character.breaks
        # What stands behind BDAT is its chunk.
        together = self.buffer and not line.upper().startswith(b"BDAT")
        if breaks and together and not self._together(breaks):
            return
        if self.challenge:
            self.challenge = False
            self._log_in(line)
            return
        if self.server.context is not None and not self.secure:
            self.server.in_clear.append(line)
        verb = line.split(b" ")[0].split(b":")[0].upper().decode("ascii", "replace")
        handler = getattr(self, f"_{verb.lower()}", None) if verb in VERBS else None
        if handler is None:
            self.server.broken.append(f"unknown command {line[:80]!r}")
            self._say(b"500 5.5.2 what?\r\n")
        else:
            handler(line)

    def _together(self, breaks: Breaks) -> bool:
        """More came along with a command than this server can bear. Whether the command counts."""
        if breaks is Breaks.FORGETS:
            self.buffer.clear()
        elif breaks is Breaks.REFUSES:
            self._say(b"503 5.5.0 improper command pipelining\r\n")
            self.close()
        elif breaks is Breaks.CLOSES:
            self.close()
        else:
            self.out.clear()
        return breaks in {Breaks.FORGETS, Breaks.MUMBLES}

    def _ehlo(self, _line: bytes) -> None:
        server = self.server
        words = ["fault.example", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        words += ["PIPELINING"] if server.character.pipelining else []
        words += ["CHUNKING"] if server.character.chunking else []
        words += ["STARTTLS"] if server.context and not self.secure else []
        words += ["AUTH PLAIN"] if server.login else []
        last = len(words) - 1
        lines = [f"250{' ' if n == last else '-'}{word}\r\n" for n, word in enumerate(words)]
        self.answer(Step.EHLO, "".join(lines).encode())

    def _helo(self, _line: bytes) -> None:
        self.answer(Step.EHLO, b"250 fault.example\r\n")

    def _starttls(self, _line: bytes) -> None:
        def secure() -> None:
            self.flush()
            self.stuck = True
            self.task = self.server.loop.create_task(self._start_tls())

        self.answer(Step.STARTTLS, b"220 go ahead\r\n", secure)

    async def _start_tls(self) -> None:
        assert self.transport
        assert self.server.context
        # What came in clear behind STARTTLS is nobody's command (CVE-2011-0411).
        self.buffer.clear()
        try:
            made = await self.server.loop.start_tls(
                self.transport, self, self.server.context, server_side=True
            )
        except (OSError, asyncio.CancelledError):
            self.close()
            return
        self.transport, self.secure, self.stuck = cast("asyncio.Transport", made), True, False
        self.work()

    def _auth(self, line: bytes) -> None:
        if len(words := line.split()) > 2:
            self._log_in(words[2])
        else:
            self.challenge = True
            self._say(b"334 \r\n")

    def _log_in(self, given: bytes) -> None:
        wanted = "\0".join(("", *(self.server.login or ("", "")))).encode()
        if base64.b64decode(given) == wanted:
            self.answer(Step.AUTH, b"235 2.7.0 welcome\r\n", lambda: self._become("known"))
        else:
            self._say(b"535 5.7.8 wrong user or password\r\n")

    def _become(self, name: str) -> None:
        setattr(self, name, True)

    def _mail(self, line: bytes) -> None:
        if self.sender is not None:
            self.server.broken.append("MAIL within a transaction")
            self._say(b"503 5.5.1 nested MAIL\r\n")
            return
        if self.server.login and not self.known:
            self._say(b"530 5.7.0 log in first\r\n")
            return
        sender = address(line)

        def begin() -> None:
            self.sender = sender

        self.answer(Step.MAIL, OK, begin)

    def _rcpt(self, line: bytes) -> None:
        if self.sender is None:
            self._say(OUT_OF_ORDER)
            return
        recipient = address(line)
        if self.recipient is not None:
            self.server.broken.append(f"two recipients: {self.recipient}, {recipient}")
        if recipient.endswith(f"@{self.server.character.unknown_domain}"):
            self.server.refused[recipient].append(NO_SUCH_USER)
            self._say(NO_SUCH_USER)
            return

        def add() -> None:
            self.recipient = recipient

        fault = self.answer(Step.RCPT, OK, add)
        if fault and fault.does in {Does.SAY, Does.LAST}:
            self.server.refused[recipient].append(fault.words)

    def _data(self, _line: bytes) -> None:
        if self.recipient is None:
            self._say(OUT_OF_ORDER)
            return

        def read() -> None:
            assert self.recipient
            self.server.asked[self.recipient] += 1
            self.reading, self.begun, self.seen = True, False, 0

        self.answer(Step.DATA, b"354 go ahead\r\n", read)

    def _bdat(self, line: bytes) -> None:
        words = line.split()
        self.chunk = (int(words[1]), len(words) > 2)

    def _rset(self, _line: bytes) -> None:
        self.answer(Step.RSET, OK, self._forget)

    def _noop(self, _line: bytes) -> None:
        self._say(OK)

    def _quit(self, _line: bytes) -> None:
        self.answer(Step.QUIT, b"221 2.0.0 bye\r\n", self.close)

    def _forget(self) -> None:
        self.sender = self.recipient = None
        self.content.clear()

    # The content --------------------------------------------------------------------------------

    def _content(self) -> bool:
        if self.buffer and not self.begun:
            self.begun = True
            if self._midway():
                return False
        at_start = self.buffer.startswith(b".\r\n")
        place = 0 if at_start else self.buffer.find(b"\r\n.\r\n", self.seen)
        if place < 0:
            self.seen = max(0, len(self.buffer) - 4)
            return False
        content = bytes(self.buffer[: place + (0 if at_start else 2)])
        del self.buffer[: len(content) + 3]
        self.reading = False
        if self.buffer and self.server.character.breaks is Breaks.FORGETS:
            self.buffer.clear()
        self._end(content.replace(b"\r\n..", b"\r\n."))
        return True

    def _midway(self) -> bool:
        """A fault in the middle of the content; True where nothing more is read of it."""
        fault = self.server.fault(Step.CONTENT)
        if fault is None:
            return False
        if fault.does is Does.HOLD:
            assert self.transport
            self.stuck = True
            self.transport.pause_reading()
            self.server.hold(Step.CONTENT, self.recipient or "", self._read_on)
        elif fault.does is Does.SILENT:
            self.stuck = True
        elif fault.does in {Does.SAY, Does.LAST}:
            # Out of turn; 421 as RFC 5321, 3.8 allows it, at any time.
            self._note(Step.CONTENT, fault.words)
            self._say(fault.words)
            self.close()
        else:
            self.close(reset=fault.does is Does.RESET)
        return True

    def _read_on(self) -> None:
        if self.transport is not None:
            self.stuck = False
            self.transport.resume_reading()
            self.work()

    def _chunk(self, size: int, last: bool) -> bool:
        if len(self.buffer) < size:
            return False
        self.content += self.buffer[:size]
        del self.buffer[:size]
        self.chunk = None
        if self.recipient is None:
            self.content.clear()
            self._say(OUT_OF_ORDER)
            return True
        self.server.asked[self.recipient] += 1
        if last:
            self._end(bytes(self.content))
        else:
            self._say(OK)
        return True

    def _end(self, content: bytes) -> None:
        assert self.sender is not None
        assert self.recipient is not None
        mail = Mail(self.sender, self.recipient, content, self.number)
        delay = self.server.character.delay
        if delay:
            self.stuck = True
            self.flush()
            self.server.loop.call_later(delay, self._take_late, mail)
        else:
            self._take(mail)

    def _take_late(self, mail: Mail) -> None:
        # A server that has the whole mail takes it, whether or not the client still listens.
        self.stuck = False
        self._take(mail)
        self.work()

    def _take(self, mail: Mail) -> None:
        took: list[Mail] = []

        def take() -> None:
            if not took:
                took.append(mail)
                self.server.take(mail)
            self._forget()

        fault = self.answer(Step.END, b"250 2.0.0 taken\r\n", take)
        if fault and fault.takes and not took:
            took.append(mail)
            self.server.take(mail)
        if fault and fault.does is Does.SAY:
            self._forget()


VERBS = frozenset("EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT".split())


def address(line: bytes) -> str:
    return line.decode().split("<", 1)[1].split(">", 1)[0]


def strange(does: Does, reply: bytes) -> bytes:
    """The same answer, written as few servers would."""
    code, lines = reply[:3], reply.splitlines(keepends=True)
    if does is Does.MANY:
        return b"".join(code + b"-line %d\r\n" % n for n in range(400)) + reply
    if does is Does.LONG:
        # Continued: what EHLO offers stays what it is.
        return code + b"-" + b"x" * 10_000 + b"\r\n" + reply
    if does is Does.NULS:
        return b"".join(lines[:-1]) + lines[-1].replace(b"\r\n", b" \0\0\r\n")
    assert does is Does.TWICE
    return reply * 2
