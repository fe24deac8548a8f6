"""A connection to an IMAP server with limits in time and size: a server may send anything, as much
and as slowly as it likes.

A read timeout limits only the time between two bytes: a server that sends a byte every eight
seconds would hold a collection for hours. So a connection has a last moment, and received bytes are
counted before they are kept.
"""

import imaplib
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bounces.exceptions import BouncesError

# Seconds for the connection, and for each answer.
CONNECT = 15.0
READ = 60.0
# Seconds for everything done over one connection.
LONGEST = 90.0
# Bytes of one literal. At most 256 KB of a mail are requested, but a server may count differently.
MOST_OF_A_LITERAL = 1024 * 1024
# Bytes of a line (SEARCH answers with one), and of everything received over a connection.
MOST_OF_A_LINE = 1_000_000
MOST_IN_ALL = 256 * 1024 * 1024
AT_ONCE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Account:
    host: str
    port: int
    security: str  # "tls", "starttls" or "none"
    username: str
    password: str
    folder: str = "INBOX"


class TooLargeError(BouncesError):
    """The server sends more than was requested. It is no subclass of imaplib's errors, because
    imaplib converts those."""


class Connection(imaplib.IMAP4):
    """Connects to checked addresses, and verifies the certificate for the name."""

    def __init__(
        self, account: Account, addresses: Sequence[str], tls: ssl.SSLContext, *, longest: float
    ) -> None:
        self.account = account
        self.addresses = addresses
        self.tls = tls
        self.until = time.monotonic() + longest
        self.received = 0
        self._held = bytearray()
        # The socket of the held bytes: STARTTLS replaces the socket.
        self._of: socket.socket | None = None
        super().__init__(account.host, account.port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002
        made = self._reach()
        if self.account.security != "tls":
            return made
        try:
            return self.tls.wrap_socket(made, server_hostname=self.account.host)
        except BaseException:
            made.close()
            raise

    def _reach(self) -> socket.socket:
        """The first address that answers, each with its share of the time."""
        trouble: OSError = TimeoutError()
        for address in self.addresses:
            try:
                place = (address, self.account.port)
                return socket.create_connection(place, CONNECT / len(self.addresses))
            except OSError as error:
                trouble = error
        raise trouble

    def ends_in(self, seconds: float) -> None:
        """From now on the connection lasts at most so long."""
        self.until = min(self.until, time.monotonic() + seconds)

    def read(self, size: int) -> bytes:
        """A literal."""
        if size > MOST_OF_A_LITERAL:
            raise TooLargeError(f"a literal of {size} bytes")
        while len(self._held) < size:
            if not self._receive():
                break
        return self._take(size)

    def readline(self) -> bytes:
        place, looked_at = -1, 0
        while place < 0:
            place = self._held.find(b"\n", looked_at)
            looked_at = len(self._held)
            if place >= 0 or looked_at > MOST_OF_A_LINE or not self._receive():
                break
        length = place + 1 if place >= 0 else len(self._held)
        if length > MOST_OF_A_LINE:
            raise TooLargeError(f"a line of more than {MOST_OF_A_LINE} bytes")
        return self._take(length)

    def _receive(self) -> bool:
        """Whether the server sent more. Raises TimeoutError when the time is up."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server is too slow")
        if self._of is not self.sock:
            # Bytes received before TLS may come from anybody.
            self._held.clear()
            self._of = self.sock
        self.sock.settimeout(min(left, READ))
        data = self.sock.recv(AT_ONCE)
        self.received += len(data)
        if self.received > MOST_IN_ALL:
            raise TooLargeError(f"more than {MOST_IN_ALL} bytes")
        self._held += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken
