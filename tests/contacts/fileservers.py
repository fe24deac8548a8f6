"""An HTTPS server on loopback that gives a file in any way, also a wrong one."""

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.mailservers import threads

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PEOPLE = b"email,name\na@x.example,Ann\nb@x.example,Bob\nc@x.example,Cyd\nd@x.example,Dan\n"

# Writes a reply: (request head, write) -> None.
Answer = Callable[[str, asyncio.StreamWriter], object]


def reply(
    body: bytes = PEOPLE,
    *,
    status: str = "200 OK",
    headers: tuple[str, ...] = (),
    length: int | None = None,
) -> bytes:
    """`length`: what Content-Length says; by default the truth, -1: no such header."""
    said = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if said >= 0:
        lines.append(f"Content-Length: {said}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class FileServer:
    """`replies`: by path; the last one of a list stays. `asked`: the heads of all requests."""

    replies: dict[str, list[bytes | Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def say(self, *replies: bytes | Answer, path: str = "/people.csv") -> str:
        """These answers at the path, one after the other; returns the URL."""
        self.replies[path] = list(replies)
        return self.url(path)

    def url(self, path: str = "/people.csv") -> str:
        return f"https://localhost:{self.port}{path}"

    async def session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.asked.append(head)
        path = head.split()[1].partition("?")[0]
        answers = self.replies.get(path) or [reply(b"", status="404 Not Found")]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            done = answer(head, writer)
            if asyncio.iscoroutine(done):
                await done
        else:
            writer.write(answer)
        await writer.drain()


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[FileServer]:
    server = FileServer()
    with threads.serving(server.session, tls=context) as server.port:
        yield server


def cut(body: bytes) -> Answer:
    """Half a reply without Content-Length, and then the connection is cut."""

    def answer(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(body, length=-1))
        writer.transport.abort()

    return answer


async def endless(_head: str, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(b"email\n", length=-1))
    line = b"a@x.example\n" * 5000
    while True:
        writer.write(line)
        await writer.drain()
        await asyncio.sleep(0)  # drain alone may never yield


async def drip(_head: str, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    writer.write(reply(b"email\n", length=-1))
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.01)


async def mute(_head: str, _writer: asyncio.StreamWriter) -> None:
    """The head of a reply never comes."""
    await asyncio.Event().wait()
