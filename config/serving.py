"""Runs the WSGI application behind an ASGI server, so that a slow client holds no thread.

A WSGI server gives a request one of its few threads before the body has arrived. So ten clients
that send a byte a second stop the site, and so do clients that read an export slowly. Here the
event loop reads the body and sends the answer. A thread is used only while the application works.

| from a client | limit |
| --- | --- |
| head of a request | 10 s (granian, `--http1-header-read-timeout`) |
| body | 16 MiB; for an import file YANSHU_IMPORT_MAX_MB, two of them at a time |
| time of the body | GRACE, and further time at 8 KiB a second |
| pace of reading | the next 64 KiB within a minute |
"""

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO, Any

from config.exceptions import ServingError
from environment import logs

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[str, str]]

log = logs.get(__name__)
# Each thread has a connection to the database.
THREADS = 8
MIB = 1024 * 1024
BODY = 16 * MIB
# The path where a form without JavaScript sends a whole file.
LARGE_AT = "/imports/new/"
LARGE_AT_ONCE = 2
# Seconds that every body may take, and the average bytes a second that it must have after them.
GRACE = 30.0
PACE = 8 * 1024
# Seconds in which a client must take a piece of the answer.
TAKEN_WITHIN = 60.0
PIECE = 64 * 1024
# Bytes of a body and of an answer that are kept in memory. The rest goes into a file.
IN_MEMORY = 64 * 1024
KEPT = MIB
WORDS = {
    408: "The request took too long to arrive. Try again over a faster connection.\n"
    "请求传输得太慢。请换一个更快的网络后重试。\n",
    413: "The request is too large.\n请求太大。\n",
    503: "Too many large files are being uploaded. Try again in a minute.\n"
    "正在上传的大文件太多。请一分钟后重试。\n",
}


class RequestRefusedError(ServingError):
    """The request isn't passed on to the application. `status`: the HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(WORDS[status])
        self.status = status


class GoneError(ServingError):
    """The client has left."""


class BrokenError(ServingError):
    """An answer broke off after its first bytes were sent. The connection is cut, so that half an
    export doesn't look complete."""


class Bridge:
    """An ASGI application around the WSGI `application`. `largest`: bytes of an import file."""

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        *,
        largest: int,
        grace: float = GRACE,
        taken_within: float = TAKEN_WITHIN,
    ) -> None:
        self.application = application
        # The form around the file needs some bytes too.
        self.largest = largest + MIB
        self.grace = grace
        self.taken_within = taken_within
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="web")
        self.large = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            with self._limit(scope) as limit, tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
                await self._read(receive, body, limit)
                await self._answer(scope, body, send)
        except RequestRefusedError as refused:
            await _refuse(send, refused)
        except GoneError:
            pass

    @contextmanager
    def _limit(self, scope: Scope) -> Iterator[int]:
        """The limit of the body in bytes. Raises RequestRefusedError if Content-Length exceeds
        it."""
        is_large = scope["method"] == "POST" and scope["path"].endswith(LARGE_AT)
        limit = self.largest if is_large else BODY
        said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if said and (len(said) > 18 or int(said) > limit):
            raise RequestRefusedError(413)
        # A body without Content-Length may become large.
        is_large = is_large and (not said or int(said) > BODY)
        if is_large and self.large >= LARGE_AT_ONCE:
            raise RequestRefusedError(503)
        self.large += is_large
        try:
            yield limit
        finally:
            self.large -= is_large

    async def _read(self, receive: Receive, body: IO[bytes], limit: int) -> None:
        begun, received = time.monotonic(), 0
        while True:
            due = begun + self.grace + received / PACE
            try:
                async with asyncio.timeout(due - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise RequestRefusedError(408) from None
            if message["type"] == "http.disconnect":
                raise GoneError
            data = message.get("body", b"")
            received += len(data)
            if received > limit:
                raise RequestRefusedError(413)
            body.write(data)
            if not message.get("more_body", False):
                return

    async def _answer(self, scope: Scope, body: IO[bytes], send: Send) -> None:
        answer = ApplicationResponse(asyncio.get_running_loop())
        environ = environ_of(scope, body)
        working = asyncio.get_running_loop().run_in_executor(
            self.threads, answer.make, self.application, environ
        )
        try:
            await answer.send(send, self.taken_within)
        finally:
            answer.gone = True
            await working
            answer.close()


class ApplicationResponse:
    """The application's answer. The application's thread writes it; the event loop sends it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.changed = asyncio.Event()
        self.lock = threading.Lock()
        self.status = 500
        self.headers: Headers = []
        # The first KEPT bytes are in memory, the rest in the file.
        self.memory = bytearray()
        self.file: IO[bytes] | None = None
        self.written = self.sent = 0
        self.complete = self.begun = self.gone = self.broken = False

    # In the thread -------------------------------------------------------------------------------

    def make(self, application: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> None:
        try:
            said = application(environ, self._start)
            try:
                for data in said:
                    self._put(data)
            finally:
                if close := getattr(said, "close", None):
                    close()
        except GoneError:
            pass
        except Exception:
            # Django answers its own errors. Only a streamed answer can break here.
            log.exception("answer broke off")
            self.broken = True
        finally:
            self.complete = self.begun = True
            self._tell()

    def _start(self, status: str, headers: Headers, _trouble: object = None) -> None:
        self.status, self.headers = int(status[:3]), headers

    def _put(self, data: bytes) -> None:
        if self.gone:
            raise GoneError
        space = KEPT - len(self.memory)
        self.memory += data[:space]
        if rest := memoryview(data)[space:]:
            if self.file is None:
                self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # see `close`
            while rest:
                rest = rest[self.file.write(rest) :]
        self.written += len(data)
        self.begun = True
        self._tell()

    def _tell(self) -> None:
        self.loop.call_soon_threadsafe(self.changed.set)

    # In the loop ---------------------------------------------------------------------------------

    async def send(self, send: Send, within: float) -> None:
        """Sends the answer. Raises GoneError if the client doesn't take it in time."""
        while not self.begun:
            await self._wait()
        if self.broken and not self.written:
            self.status, self.headers, self.broken = 500, [], False
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in self.headers
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        while True:
            ended = self.complete
            while self.sent < self.written:
                data = self._next()
                self.sent += len(data)
                last = ended and not self.broken and self.sent == self.written
                await self._piece(send, data, within, more=not last)
                if last:
                    return None
            if ended and self.broken:
                raise BrokenError("an answer broke off")
            if ended:
                return await self._piece(send, b"", within, more=False)
            await self._wait()

    def _next(self) -> bytes:
        if self.sent < len(self.memory):
            return bytes(self.memory[self.sent : self.sent + PIECE])
        assert self.file is not None  # noqa: S101  # written beyond the memory
        return os.pread(self.file.fileno(), PIECE, self.sent - KEPT)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()

    async def _wait(self) -> None:
        await self.changed.wait()
        self.changed.clear()

    @staticmethod
    async def _piece(send: Send, data: bytes, within: float, *, more: bool) -> None:
        try:
            async with asyncio.timeout(within):
                await send({"type": "http.response.body", "body": data, "more_body": more})
        except (TimeoutError, OSError) as error:
            raise GoneError from error


async def _refuse(send: Send, refused: RequestRefusedError) -> None:
    words = str(refused).encode()
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(words)),
        "cache-control": "private, no-store",
        # The rest of the body must not be read as the next request.
        "connection": "close",
    }
    if refused.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "60"
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": lines})
    await send({"type": "http.response.body", "body": words, "more_body": False})


def environ_of(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """The WSGI environ (PEP 3333) of a request whose body has arrived."""
    length = body.tell()
    body.seek(0)
    host, port = scope.get("server") or ("", 0)
    client = scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": str(port or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").upper()
        # X_Forwarded_For would become the same key as X-Forwarded-For, which our proxy sets.
        if "_" not in name and name not in {"CONTENT-LENGTH", "TRANSFER-ENCODING"}:
            key = "CONTENT_TYPE" if name == "CONTENT-TYPE" else f"HTTP_{name.replace('-', '_')}"
            text = value.decode("latin-1")
            between = "; " if name == "COOKIE" else ","
            environ[key] = f"{environ[key]}{between}{text}" if key in environ else text
    if length or scope["method"] in {"POST", "PUT", "PATCH"}:
        environ["CONTENT_LENGTH"] = str(length)
    return environ
