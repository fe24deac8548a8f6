"""An SMTP server for whole mailings: pipelines properly, is strict about the order of commands,
writes down what it took, and misbehaves by a list of faults (faultplan)."""

import asyncio
import errno
import random
import socket
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvloop

from tests.sending.engine.faults.faultplan import Character, Does, Fault, Mail, Step
from tests.sending.engine.faults.session import Session

# Below those that Linux and macOS give to connections.
PORTS = range(20_000, 32_000)
RANDOM = random.Random()  # noqa: S311 - keeps no secret


class Server:
    """What all sessions of one server share. Its loop runs in a thread of its own; tests read from
    theirs. It keeps its port when it is away."""

    def __init__(
        self,
        faults: Sequence[Fault] = (),
        character: Character = Character(),  # noqa: B008 - frozen
        *,
        context: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        changed: threading.Condition | None = None,
    ) -> None:
        self.faults = list(faults)
        self.character = character
        self.context = context
        self.implicit = implicit  # TLS from the first byte, not after STARTTLS
        self.login = login
        self.port = 0
        self.turns: Counter[Step] = Counter()
        # What happened, by recipient where there is one.
        self.mails: list[Mail] = []
        self.accepted: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()  # 354 was said, or a chunk was read
        self.refused: defaultdict[str, list[bytes]] = defaultdict(list)
        # At MAIL, where nobody knows yet whom it is for.
        self.refused_unseen: list[bytes] = []
        self.in_clear: list[bytes] = []  # commands that came before TLS where it is offered
        self.connections = 0
        self.most_open = 0
        self.broken: list[str] = []  # what no client may do
        self.sessions: set[Session] = set()
        self.held: list[tuple[Step, str, Callable[[], None]]] = []
        # Told whenever something happens here; several servers may share it.
        self.changed = changed or threading.Condition()
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="fault server")
        self._listener: asyncio.AbstractServer | None = None

    # From the test's thread ---------------------------------------------------------------------

    def open(self) -> None:
        self._thread.start()
        self.come_back()

    def shut(self) -> None:
        self.go_away()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def go_away(self) -> None:
        """As if the server was killed: nothing listens, every connection is reset."""
        self._do(self._close())

    def come_back(self) -> None:
        self._do(self._listen())

    def restart(self) -> None:
        self.go_away()
        self.come_back()

    def wait(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Until the condition holds, looked at whenever something happened here."""
        with self.changed:
            found = self.changed.wait_for(condition, seconds)
        assert found, f"did not happen within {seconds} s: {self.turns}, {len(self.mails)} accepted"

    def pause(self) -> None:
        """Until something happened here, or a moment."""
        with self.changed:
            self.changed.wait(0.02)

    def wait_held(self, step: Step, number: int = 1, seconds: float = 20.0) -> None:
        self.wait(lambda: sum(one[0] is step for one in list(self.held)) >= number, seconds)

    def release(self) -> None:
        """Answers what was held, and holds nothing any more."""
        self.faults = [fault for fault in self.faults if fault.does is not Does.HOLD]
        self.loop.call_soon_threadsafe(self._release)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    # In its own ---------------------------------------------------------------------------------

    async def _listen(self) -> None:
        if self._listener is not None:
            return  # it came back before
        place = _listening(self.port)
        if self.character.narrow:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port = place.getsockname()[1]
        secure = self.context if self.implicit else None
        self._listener = await self.loop.create_server(
            lambda: Session(self), sock=place, ssl=secure
        )

    async def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for session in list(self.sessions):
            session.close(reset=True)

    def _release(self) -> None:
        held, self.held = self.held, []
        for _, _, answer in held:
            answer()

    def fault(self, step: Step) -> Fault | None:
        turn = self.turns[step]
        self.turns[step] += 1
        return next((f for f in self.faults if f.step is step and f.hits(turn)), None)

    def take(self, mail: Mail) -> None:
        self.mails.append(mail)
        self.accepted[mail.recipient] += 1
        self.tell()

    def hold(self, step: Step, recipient: str, answer: Callable[[], None]) -> None:
        self.held.append((step, recipient, answer))
        self.tell()

    def tell(self) -> None:
        with self.changed:
            self.changed.notify_all()


def _listening(port: int) -> socket.socket:
    """On this port, or on a free one that no connection gets for its own end, so that a server that
    comes back finds its port."""
    while True:
        try:
            return socket.create_server(("127.0.0.1", port or RANDOM.choice(PORTS)), backlog=128)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise


@contextmanager
def running(
    faults: Sequence[Fault] = (),
    character: Character = Character(),  # noqa: B008 - frozen
    **values: Any,
) -> Iterator[Server]:
    server = Server(faults, character, **values)
    server.open()
    try:
        yield server
    finally:
        server.shut()


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Waits for what no server tells."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)
