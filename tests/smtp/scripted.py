"""A real SMTP server on a socket, in threads, that can be told how to be wrong at each step.

    faults = [Fault(Step.RCPT, say(b"550 5.1.1 no"), to="nobody"), Fault(Step.END, DROP, nth=3)]
    with serving(faults=faults) as server:
        ...  # server.port
        server.accepted["ann@a.example"]  # how often it took a mail for her

Without faults it is a good and strict server: MAIL inside of a transaction is 503, DATA without a
recipient 554. `accepted` counts each recipient of each content that it took upon itself, whether
or not anybody was told; that is what outcomes are compared with. Replies leave together when
nothing is left to read, as those of good servers do.
"""

import base64
import socket
import ssl
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

OFFERS = ("PIPELINING", "CHUNKING", "SMTPUTF8", "8BITMIME", "SIZE 10000000")


class Step(StrEnum):
    """Where a fault happens. CONTENT: in the middle of one, END: when its end was read."""

    CONNECT = "connect"
    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"
    END = "end"
    RSET = "RSET"
    QUIT = "QUIT"


@dataclass(frozen=True)
class Act:
    """What the server does at a step.

    `reply`: instead of the good one; None: the good one. `pause`: seconds before it. `pace`:
    seconds between its single bytes. `then`: "close" the connection, say nothing ("mute") any
    more, or go on. `accept`: whether the content counts as taken (END); None: as the reply says.
    """

    reply: bytes | None = None
    pause: float = 0.0
    pace: float | None = None
    then: str = ""
    accept: bool | None = None

    def closing(self) -> "Act":
        return replace(self, then="close")


def say(reply: bytes) -> Act:
    return Act(reply=reply + b"\r\n")


GOOD = Act()
# Nothing is said, and the connection stays open.
SILENCE = Act(reply=b"", then="mute", accept=False)
DROP = Act(reply=b"", then="close", accept=False)
# It took the mail, and the reply never left.
TAKE_AND_DROP = Act(reply=b"", then="close", accept=True)
TAKE_AND_MUTE = Act(reply=b"", then="mute", accept=True)
UNAVAILABLE = say(b"421 4.3.2 closing").closing()


@dataclass(frozen=True)
class Fault:
    """`nth`: only the nth time that it could happen, from 1 on; 0: each time. `to`: only for
    recipients (or, at MAIL and before, lines) with this in them. `connection`: only on the nth."""

    step: Step
    act: Act
    nth: int = 0
    to: str = ""
    connection: int = 0


@dataclass
class Script:
    """`lie`, about PIPELINING: "drop" what came with a command, "refuse" it, or keep to it in a
    group and "drop behind content".

    `context`: for STARTTLS, or from the first byte on if `implicit`. `login`: who may send.
    """

    faults: Sequence[Fault] = ()
    offers: Sequence[str] = OFFERS
    lie: str = ""
    context: ssl.SSLContext | None = None
    implicit: bool = False
    login: tuple[str, str] | None = None
    # Of one connection, as Exim does: after so many MAILs the reply to the next is `enough`; so
    # many RSETs since a mail was taken end it with 554. `hangs_up`: the former closes it, too.
    mails_each: int = 0
    enough: bytes = b"421 too many messages in this connection"
    hangs_up: bool = False
    resets: int = 0
    # EHLO and HELO want a name with a domain, or an address in brackets.
    strict_name: bool = False


class GoneError(Exception):
    """The connection is over."""


@dataclass
class Scripted:
    """The server as tests see it."""

    script: Script
    port: int = 0
    # How often it had answered all that it had read, and waited.
    turns: int = 0
    # A recipient that it refuses counts all the same.
    confused: bool = False
    accepted: Counter[str] = field(default_factory=Counter)
    # The contents as they were meant: without the dots of DATA.
    contents: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    # All bytes of each connection, in the clear.
    heard: list[bytearray] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _seen: Counter[int] = field(default_factory=Counter)
    _open: "set[_Connection]" = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def connections(self) -> int:
        return len(self.heard)

    @property
    def everything(self) -> bytes:
        return b"".join(self.heard)

    def wait(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        """Until the condition holds; looked at whenever the server did something."""
        with self._changed:
            assert self._changed.wait_for(condition, seconds), "the condition never held"

    def cut(self) -> None:
        """Closes all connections as a server that is restarted does."""
        with self._changed:
            for one in list(self._open):
                with suppress(OSError):
                    one.sock.shutdown(socket.SHUT_RDWR)

    # For the connections' threads -----------------------------------------------------------

    def act(self, step: Step, about: str, connection: int) -> Act:
        """The first fault that applies; all that could are counted."""
        found = GOOD
        with self._changed:
            for place, fault in enumerate(self.script.faults):
                if fault.step is not step or fault.to not in about:
                    continue
                if fault.connection not in {0, connection}:
                    continue
                self._seen[place] += 1
                if found is GOOD and fault.nth in {0, self._seen[place]}:
                    found = fault.act
        return found

    def take(self, recipients: Sequence[str], content: bytes) -> None:
        with self._changed:
            for one in recipients:
                self.accepted[one] += 1
                self.contents[one].append(content)
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise GoneError

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            with self._changed:
                self.heard.append(bytearray())
                connection = _Connection(self, sock, self.connections)
                self._open.add(connection)
                self._changed.notify_all()
            thread = threading.Thread(target=self._run, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _run(self, connection: "_Connection") -> None:
        try:
            with suppress(GoneError, OSError):
                connection.run()
        finally:
            with self._changed:
                self._open.discard(connection)
                self._changed.notify_all()
            connection.sock.close()

    def stop(self) -> None:
        self._stopped.set()
        self.cut()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()


class _Connection:
    def __init__(self, server: Scripted, sock: socket.socket, number: int) -> None:
        self.server = server
        self.script = server.script
        self.sock = sock
        self.number = number
        self._input = b""
        self._output = b""
        self._mail: str | None = None
        self._rcpts: list[str] = []
        self._mails = self._resets = 0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        if self.script.implicit:
            self._secure()
        self._do(Step.CONNECT, b"220 mail.test ESMTP")
        while True:
            self._command(self._line())

    # The dialogue ---------------------------------------------------------------------------

    def _command(self, line: bytes) -> None:
        verb = line.split()[0].decode("latin-1").upper() if line.split() else ""
        in_group = verb in {"MAIL", "RCPT", "DATA", "RSET"}
        if self.script.lie in {"drop", "refuse"} and in_group and self._input:
            self._input = b""
            if self.script.lie == "refuse":
                self._say(b"503 5.5.0 improper command pipelining\r\n", GOOD)
                return
        if not self._limited(verb, line):
            self._dispatch(verb, line)

    def _limited(self, verb: str, line: bytes) -> bool:
        script = self.script
        if verb in {"EHLO", "HELO"} and script.strict_name and not _full(line):
            self._say(b"504 5.5.2 need fully-qualified hostname\r\n", GOOD)
        elif verb == "RSET" and self._worn():
            self._say(b"554 Too many nonmail commands\r\n", GOOD.closing())
        elif verb == "MAIL" and self._full():
            self._say(script.enough + b"\r\n", Act(then="close" * script.hangs_up))
        else:
            return False
        return True

    def _dispatch(self, verb: str, line: bytes) -> None:
        match verb:
            case "EHLO":
                offers = [b"mail.test", *(one.encode() for one in self.script.offers)]
                self._do(
                    Step.EHLO,
                    b"\r\n".join([b"250-" + o for o in offers[:-1]] + [b"250 " + offers[-1]]),
                )
            case "HELO" | "RSET":
                self._reset()
                self._do(Step(verb), b"250 ok", line)
            case "STARTTLS":
                if self._do(Step.STARTTLS, b"220 ready", line).startswith(b"220"):
                    self._secure()
            case "AUTH":
                self._do(Step.AUTH, self._auth(line), line)
            case "MAIL" | "RCPT" | "DATA":
                {"MAIL": self._mail_from, "RCPT": self._rcpt_to, "DATA": self._data}[verb](line)
            case "BDAT":
                self._bdat(line)
            case "QUIT":
                self._do(Step.QUIT, b"221 bye", line)
                self._flush()
                raise GoneError
            case _:
                self._say(b"500 5.5.2 what?\r\n", GOOD)

    def _worn(self) -> bool:
        self._resets += 1
        return bool(self.script.resets) and self._resets > self.script.resets

    def _full(self) -> bool:
        self._mails += 1
        return bool(self.script.mails_each) and self._mails > self.script.mails_each

    def _auth(self, line: bytes) -> bytes:
        user, password = self.script.login or ("", "")
        secret = base64.b64encode(f"\0{user}\0{password}".encode())
        good = self.script.login and line.split()[-1] == secret
        return b"235 2.7.0 welcome" if good else b"535 5.7.8 Authentication failed"

    def _mail_from(self, line: bytes) -> None:
        good = b"503 5.5.1 nested MAIL" if self._mail is not None else b"250 2.1.0 ok"
        if self._do(Step.MAIL, good, line).startswith(b"250"):
            self._mail = _address(line)
            self._rcpts = []

    def _rcpt_to(self, line: bytes) -> None:
        good = b"503 5.5.1 need MAIL" if self._mail is None else b"250 2.1.5 ok"
        reply = self._do(Step.RCPT, good, line, about=_address(line))
        if reply.startswith(b"25") or self.server.confused:
            self._rcpts.append(_address(line))

    def _data(self, line: bytes) -> None:
        good = b"354 go on" if self._rcpts else b"554 5.5.1 no valid recipients"
        if not self._do(Step.DATA, good, line).startswith(b"354"):
            return
        while not (b"\r\n" + self._input).startswith(b"\r\n.\r\n") and (
            b"\r\n.\r\n" not in self._input
        ):
            self._fault_within()
            self._more()
        self._fault_within()
        content, _end, self._input = (b"\r\n" + self._input).partition(b"\r\n.\r\n")
        if self.script.lie in {"drop", "drop behind content"}:
            self._input = b""
        self._ended((content + b"\r\n").replace(b"\r\n..", b"\r\n.")[2:])

    def _bdat(self, line: bytes) -> None:
        _verb, size, last = line.split()
        assert last == b"LAST"
        while len(self._input) < int(size):
            self._fault_within()
            self._more()
        self._fault_within()
        content, self._input = self._input[: int(size)], self._input[int(size) :]
        if self._rcpts:
            self._ended(content)
        else:
            self._say(b"503 5.5.1 no recipients\r\n", GOOD)

    def _fault_within(self) -> None:
        act = self.server.act(Step.CONTENT, " ".join(self._rcpts), self.number)
        if act is not GOOD:
            self._say(act.reply or b"", act)

    def _ended(self, content: bytes) -> None:
        recipients = self._rcpts
        act = self.server.act(Step.END, " ".join(recipients), self.number)
        self._reset()
        reply = b"250 2.0.0 queued as 4711\r\n" if act.reply is None else act.reply
        if reply.startswith(b"2") if act.accept is None else act.accept:
            self._resets = 0
            self.server.take(recipients, content)
        self._say(reply, act)

    def _reset(self) -> None:
        self._mail = None
        self._rcpts = []

    # Bytes ----------------------------------------------------------------------------------

    def _do(self, step: Step, good: bytes, line: bytes = b"", about: str = "") -> bytes:
        """Replies to a step as the script wants it, and returns what was said."""
        about = about or " ".join(self._rcpts) or line.decode("latin-1")
        act = self.server.act(step, about, self.number)
        reply = good + b"\r\n" if act.reply is None else act.reply
        self._say(reply, act)
        return reply

    def _say(self, reply: bytes, act: Act) -> None:
        if act.pause or act.pace is not None:
            self._flush()
            self.server.pause(act.pause)
        if act.pace is None:
            self._output += reply
        else:
            for place in range(len(reply)):
                self.sock.sendall(reply[place : place + 1])
                self.server.pause(act.pace)
        if act.then:
            self._flush()
        if act.then == "close":
            # Not both directions at once: what was said would be lost with what wasn't read.
            self.sock.shutdown(socket.SHUT_WR)
        while act.then:
            self._more()

    def _line(self) -> bytes:
        while b"\n" not in self._input:
            self._more()
        line, _newline, self._input = self._input.partition(b"\n")
        return line.rstrip(b"\r")

    def _more(self) -> None:
        self._flush()
        data = self.sock.recv(65536)
        if not data:
            raise GoneError
        self._input += data
        with self.server._changed:
            self.server.heard[self.number - 1] += data
            self.server._changed.notify_all()

    def _flush(self) -> None:
        if self._output:
            self.server.turns += 1
            self.sock.sendall(self._output)
            self._output = b""

    def _secure(self) -> None:
        self._flush()
        while self.script.context is None:
            self._more()  # What follows is noise.
        self.sock = self.script.context.wrap_socket(self.sock, server_side=True)
        self._input = b""


def _full(line: bytes) -> bool:
    name = line.partition(b" ")[2]
    return (b"." in name and not name[-1:].isdigit()) or name.startswith(b"[")


def _address(line: bytes) -> str:
    return line.decode("utf-8", "replace").partition("<")[2].partition(">")[0]


@contextmanager
def serving(
    script: Script | None = None, *, port: int = 0, **options: object
) -> Iterator[Scripted]:
    """A server in threads of its own; `options`: those of Script."""
    server = Scripted(replace(script or Script(), **options))  # type: ignore[arg-type]
    listener = socket.create_server(("127.0.0.1", port))
    server.port = listener.getsockname()[1]
    thread = threading.Thread(target=server.serve, args=(listener,))
    thread.start()
    try:
        yield server
    finally:
        # Wakes accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        server.stop()
