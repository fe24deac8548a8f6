"""An IMAP server on loopback that says what a test tells it to, byte by byte if need be."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# What answers a command: (its tag, the command) -> bytes; None: the connection is closed.
Answer = Callable[[str, str], bytes | None]


@dataclass
class Hostile:
    """Its answers by the first word of a command (or "UID FETCH"), and what was asked."""

    port: int
    answers: dict[str, Answer]
    asked: list[str] = field(default_factory=list)
    # Set: each byte of an answer waits so many seconds.
    drip: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)

    def answer(self, line: str) -> bytes | None:
        tag, _, command = line.partition(" ")
        self.asked.append(command)
        words = command.upper().split()
        names = (" ".join(words[:2]), words[0] if words else "")
        given = next((self.answers[name] for name in names if name in self.answers), None)
        if given is not None:
            return given(tag, command)
        return USUAL.get(names[0], USUAL.get(names[1], b"")) + f"{tag} OK done\r\n".encode()


USUAL = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n",
    "SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 2] x\r\n",
    "UID SEARCH": b"* SEARCH 1\r\n",
    "UID FETCH": b"",
    "LOGOUT": b"* BYE x\r\n",
}


def saying(data: bytes) -> Answer:
    return lambda tag, _command: data + f"{tag} OK done\r\n".encode()


@contextmanager
def hostile(**answers: Answer) -> Iterator[Hostile]:
    """`UID_FETCH=...` answers UID FETCH."""
    listening = socket.create_server(("127.0.0.1", 0))
    named = {name.replace("_", " "): one for name, one in answers.items()}
    server = Hostile(listening.getsockname()[1], named)
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                client, _address = listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=_serve, args=(server, client), daemon=True)
            thread.start()
            threads.append(thread)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        server.stopped.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(5)


def _serve(server: Hostile, client: socket.socket) -> None:
    try:
        with client, client.makefile("rb") as lines:
            client.sendall(b"* OK hello\r\n")
            for line in lines:
                answer = server.answer(line.decode().rstrip("\r\n"))
                if answer is None:
                    return
                if not server.drip:
                    client.sendall(answer)
                    continue
                for byte in answer:
                    client.sendall(bytes([byte]))
                    if server.stopped.wait(server.drip):
                        return
    except OSError:
        return
