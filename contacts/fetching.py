"""What fetching a file at an address needs and gives: log-in, bounds, the file and its errors."""

import base64
import hashlib
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Self

from contacts.exceptions import ContactsError
from pages.oneline import one_line

Network = IPv4Network | IPv6Network
# Seconds to connect to one address, and without a byte from the server.
CONNECT, SILENT = 15.0, 30.0
# Seconds for all of it.
LONGEST = 15 * 60.0
# Bytes that are read, and unpacked, at once.
AT_ONCE = 64 * 1024
GZIP = b"\x1f\x8b"
LONGEST_WORDS = 300


class FetchError(ContactsError):
    """The file can't be fetched. `code`: a key of contacts.fetchreasons; `words`: the server's own.
    `temporary`: a later attempt may succeed."""

    def __init__(self, code: str, words: object = "", *, temporary: bool = False) -> None:
        self.code = code
        self.words = one_line(str(words))[:LONGEST_WORDS]
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
    """`most`: bytes, packed and unpacked. `networks`: private networks that may be reached."""

    most: int
    networks: tuple[Network, ...] = ()
    seconds: float = LONGEST


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
    """Ends the connection after some seconds: a server that sends a byte now and then would keep
    each single read within its own limit."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._socket: socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()

    def watch(self, made: socket) -> None:
        self._socket = made
        if self.is_over:
            self._end()

    def check(self) -> None:
        if self.is_over:
            raise FetchError("too_slow")

    def _end(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):
                # Not the method of an SSL socket, which would go on in clear text.
                socket.shutdown(self._socket, SHUT_RDWR)


def unpacked(pieces: Iterable[bytes], *, most: int) -> Iterator[bytes]:
    """The same bytes; of a gzip stream, what is in it, in small pieces. Raises FetchError beyond
    `most` bytes, packed or unpacked, or if the stream has no end."""
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
    if not beginning.startswith(GZIP):
        yield beginning
        yield from pieces
        return
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for packed in _chained(beginning, pieces):
        rest = packed
        while rest:
            if reader.eof:  # another member follows (RFC 1952, 2.2)
                if not rest.strip(b"\0"):
                    break
                reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                yield reader.decompress(rest, AT_ONCE)
            except zlib.error as error:
                raise FetchError("encoding", error) from error
            rest = reader.unused_data if reader.eof else reader.unconsumed_tail
    if not reader.eof:
        raise FetchError("broken_off", temporary=True)


def _chained(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others
