"""What fetching a file at an address needs and gives: log-in, bounds, the file and its errors."""

import base64
import hashlib
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Self

from contacts import fileaddresses
from contacts.exceptions import ContactsError
from pages.oneline import one_line

Network = IPv4Network | IPv6Network
# Seconds to connect to one address, and without a byte from the server.
CONNECT, SILENT = 15.0, 30.0
# Seconds for all of it.
LONGEST = 15 * 60.0
# The least pace: so many bytes within each `PACE_SECONDS` of waiting for the server, after the
# first `FIRST_SECONDS`. A server that is slower would keep a worker for all of `LONGEST`.
PACE_BYTES, PACE_SECONDS, FIRST_SECONDS = 64 * 1024, 120.0, 60.0
# Seconds between two looks at the pace.
LOOK = 1.0
# Text packs to a tenth; from so many unpacked bytes on, one to a hundredth is made to do harm.
MOST_RATIO, RATIO_FROM = 100, 50 << 20
# Bytes that are read, and unpacked, at once.
AT_ONCE = 64 * 1024
GZIP = b"\x1f\x8b"
LONGEST_WORDS = 300


class FetchError(ContactsError):
    """The file can't be fetched. `code`: a key of contacts.fetchreasons; `words`: the server's own,
    without the secrets of addresses in them. `temporary`: a later attempt may succeed."""

    def __init__(self, code: str, words: object = "", *, temporary: bool = False) -> None:
        self.code = code
        self.words = fileaddresses.without_secrets(one_line(str(words)))[:LONGEST_WORDS]
        self.temporary = temporary
        super().__init__(f"{code}: {self.words}")


class HostKeyError(FetchError):
    """Nobody has confirmed the key that an SFTP server shows. `key`: as a line of OpenSSH."""

    def __init__(self, code: str, key: str) -> None:
        super().__init__(code, fingerprint(key))
        self.key = key


def fingerprint(key: str) -> str:
    """Of a line of OpenSSH, as ssh shows it: "ssh-ed25519 SHA256:..."; "" for none."""
    kind, _blank, rest = key.strip().partition(" ")
    try:
        digest = hashlib.sha256(base64.b64decode(rest.partition(" ")[0], validate=True)).digest()
    except ValueError:
        return ""
    return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}" if rest else ""


@dataclass(frozen=True, slots=True)
class FileLogin:
    """User and password, a bearer token, or user and private key (`key`: in the form of OpenSSH or
    PEM). `host_key`: the confirmed key of an SFTP server, as a line of OpenSSH."""

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    host_key: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`most`: bytes, packed and unpacked. `networks`: private networks that may be reached.
    `stop`: set when somebody has cancelled the fetch."""

    most: int
    networks: tuple[Network, ...] = ()
    seconds: float = LONGEST
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Version:
    """What a server says of a file, to ask later whether it has changed."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """`pieces` raises FetchError if the file doesn't arrive as a whole."""

    filename: str
    version: Version
    pieces: Iterator[bytes]


class Deadline:
    """Ends the connection after some seconds, or if the server is slower than the least pace: one
    that sends a byte now and then would keep each single read within its own limit. A thread looks,
    as the reader may wait for the socket. The time that our own database takes is not the
    server's."""

    def __init__(self, bounds: Bounds) -> None:
        self.code = ""
        self._bounds = bounds
        self._socket: socket | None = None
        self._received = 0
        self._is_waiting = True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="deadline", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def watch(self, made: socket) -> None:
        self._socket = made
        if self.code:
            self._end(self.code)

    def take(self, read: Callable[[], bytes]) -> bytes:
        """The bytes that `read` waits for. Raises FetchError if it is too late."""
        self._is_waiting = True
        try:
            piece = read()
        finally:
            self._is_waiting = False
        self._received += len(piece)
        self.check()
        return piece

    def check(self) -> None:
        if self.code:
            raise FetchError(self.code, temporary=self.code == "pace")

    def _look(self) -> None:
        end = time.monotonic() + self._bounds.seconds
        left, before = FIRST_SECONDS + PACE_SECONDS, 0
        while (rest := end - time.monotonic()) > 0:
            step = min(LOOK, rest)
            if self._over.wait(step):
                return
            if self._bounds.stop.is_set():
                self._end("cancelled")
                return
            left -= step if self._is_waiting else 0
            if left > 0:
                continue
            if self._received - before < PACE_BYTES:
                self._end("pace")
                return
            left, before = PACE_SECONDS, self._received
        self._end("too_slow")

    def _end(self, code: str) -> None:
        self.code = code
        if self._socket is not None:
            with suppress(OSError):
                # Not the method of an SSL socket, which would go on in clear text.
                socket.shutdown(self._socket, SHUT_RDWR)


def unpacked(pieces: Iterable[bytes], *, most: int) -> Iterator[bytes]:
    """The same bytes; of a gzip stream, what is in it, in small pieces. Raises FetchError beyond
    `most` bytes, packed or unpacked, beyond MOST_RATIO, or if the stream has no end."""
    yield from _bounded(_gunzipped(_bounded(pieces, most)), most)


def _bounded(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            raise FetchError("too_large")
        yield piece


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    beginning = b""
    for piece in pieces:
        beginning += piece
        if len(beginning) >= len(GZIP):
            break
    if beginning.startswith(GZIP):
        yield from _members(_chained(beginning, pieces))
    else:
        yield from _chained(beginning, pieces)


def _members(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What is in a gzip stream, which may have several members (RFC 1952, 2.2)."""
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    taken = made = 0
    for packed in pieces:
        rest, taken = packed, taken + len(packed)
        while rest:
            if reader.eof:
                if not rest.strip(b"\0"):
                    break
                reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                data = reader.decompress(rest, AT_ONCE)
            except zlib.error as error:
                raise FetchError("encoding", error) from error
            made += len(data)
            if made > max(RATIO_FROM, MOST_RATIO * taken):
                raise FetchError("ratio")
            yield data
            rest = reader.unused_data if reader.eof else reader.unconsumed_tail
    if not reader.eof:
        raise FetchError("broken_off", temporary=True)


def _chained(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others
