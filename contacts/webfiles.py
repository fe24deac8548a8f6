"""Fetches a file over HTTPS: verified TLS, checked addresses, a few redirects, and bounds of size
and time. A reply that ends early raises; half a file is never a whole one.
"""

import base64
import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from email.message import Message
from typing import NoReturn

from contacts import fetching, fileaddresses
from contacts.fetching import (
    AT_ONCE,
    Bounds,
    Deadline,
    FetchedFile,
    FetchError,
    FileLogin,
    Version,
)
from contacts.fileaddresses import FileAddress, FileAddressError
from pages.oneline import one_line
from smtp import hosts, tls_context

REDIRECTS = 5
REDIRECTING = {301, 302, 303, 307, 308}
# Bytes of an error's text that are shown, if it is plain text.
SHOWN = 500


class _Connection(http.client.HTTPSConnection):
    """To an address that was checked, with the certificate of the name."""

    def __init__(self, address: FileAddress, bounds: Bounds, deadline: Deadline) -> None:
        super().__init__(address.host, address.port, context=tls_context())
        self.address = address
        self.bounds = bounds
        self.deadline = deadline

    def connect(self) -> None:
        plain = connected(self.address, self.bounds, self.deadline)
        try:
            # A connection that is cut looks like the end of the file, if ragged ends are allowed.
            self.sock = tls_context().wrap_socket(
                plain, server_hostname=self.address.host, suppress_ragged_eofs=False
            )
        except BaseException:
            plain.close()
            raise
        self.deadline.watch(self.sock)


def connected(address: FileAddress, bounds: Bounds, deadline: Deadline) -> socket.socket:
    """A socket connected to the first address of the host that answers. Each was checked. Raises
    FetchError."""
    try:
        found = hosts.resolve(address.host, address.port, networks=bounds.networks)
    except hosts.UnknownHostError as error:
        raise FetchError("unknown_host", address.host, temporary=True) from error
    except hosts.HostError as error:
        raise FetchError("forbidden_host", error.remark.values.get("host", "")) from error
    trouble: OSError | None = None
    for one in found:
        deadline.check()
        try:
            made = socket.create_connection((one, address.port), timeout=fetching.CONNECT)
        except OSError as error:
            trouble = error
        else:
            made.settimeout(fetching.SILENT)
            deadline.watch(made)
            return made
    raise FetchError("unreachable", _said(trouble), temporary=True) from trouble


@contextmanager
def opened(
    address: FileAddress, login: FileLogin, seen: Version, bounds: Bounds
) -> Iterator[FetchedFile | None]:
    """The file at the address; None if it is the one that was `seen`. Raises FetchError."""
    with Deadline(bounds) as deadline:
        connection, reply, last = _followed(address, login, seen, bounds, deadline)
        with closing(connection), closing(reply):
            if reply.status == 304:
                yield None
                return
            yield FetchedFile(
                _filename(reply.headers, last),
                Version(_header(reply, "ETag", 200), _header(reply, "Last-Modified", 100)),
                fetching.unpacked(_pieces(reply, deadline), most=bounds.most),
            )


def _followed(
    address: FileAddress, login: FileLogin, seen: Version, bounds: Bounds, deadline: Deadline
) -> tuple[_Connection, http.client.HTTPResponse, FileAddress]:
    """The reply with the file, or 304, and the address that it came from."""
    here = address
    for _number in range(REDIRECTS + 1):
        # The log-in is for the server that it was entered for.
        known = login if here.place == address.place else FileLogin()
        with ExitStack() as unused:
            connection = unused.enter_context(closing(_Connection(here, bounds, deadline)))
            reply = _asked(connection, here, known, seen, deadline)
            unused.callback(reply.close)
            if reply.status in {200, 304}:
                _refuse_unasked(reply, seen)
                unused.pop_all()
                return connection, reply, here
            if reply.status not in REDIRECTING:
                _refuse(reply)
            here = _redirected(here, _location(reply))
    raise FetchError("redirects", here.shown)


def _redirected(here: FileAddress, location: str) -> FileAddress:
    try:
        return here.redirected(location)
    except FileAddressError as error:
        code = error.code if error.code == "redirect_insecure" else "garbled"
        raise FetchError(code, fileaddresses.shown(location)) from error


def _asked(
    connection: _Connection,
    address: FileAddress,
    login: FileLogin,
    seen: Version,
    deadline: Deadline,
) -> http.client.HTTPResponse:
    headers = {
        "Host": address.authority,
        "User-Agent": "Yanshu",
        "Accept": "text/csv, */*;q=0.5",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if login.token:
        headers["Authorization"] = f"Bearer {login.token}"
    elif login.username:
        pair = f"{login.username}:{login.password}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    if seen.etag:
        headers["If-None-Match"] = seen.etag
    if seen.modified:
        headers["If-Modified-Since"] = seen.modified
    try:
        connection.request("GET", address.target, headers=headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        _fail(error, deadline)


def _refuse_unasked(reply: http.client.HTTPResponse, seen: Version) -> None:
    if reply.status == 304 and not (seen.etag or seen.modified):
        raise FetchError("status", _status(reply))
    packed = _header(reply, "Content-Encoding", 50).lower()
    if packed not in {"", "identity", "gzip", "x-gzip"}:
        raise FetchError("encoding", packed)


def _refuse(reply: http.client.HTTPResponse) -> NoReturn:
    words = _status(reply)
    if _header(reply, "Content-Type", 200).lower().startswith("text/plain"):
        try:
            text = reply.read1(SHOWN)
        except (OSError, http.client.HTTPException):
            text = b""
        words = f"{words}: {text.decode(errors='replace')}" if text.strip() else words
    code = {401: "login", 403: "login", 407: "login", 404: "not_found", 410: "not_found"}
    later = reply.status >= 500 or reply.status in {408, 425, 429}
    raise FetchError(code.get(reply.status, "status"), words, temporary=later)


def _status(reply: http.client.HTTPResponse) -> str:
    return f"{reply.status} {reply.reason}".strip()


def _pieces(reply: http.client.HTTPResponse, deadline: Deadline) -> Iterator[bytes]:
    try:
        while piece := deadline.take(lambda: reply.read1(AT_ONCE)):
            yield piece
    except (OSError, http.client.HTTPException, ValueError) as error:
        _fail(error, deadline)
    deadline.check()
    # http.client says nothing of a body that is shorter than its Content-Length.
    if reply.length:
        raise FetchError("broken_off", temporary=True)


def _fail(error: Exception, deadline: Deadline) -> NoReturn:
    """Raises the FetchError that the error of a connection means."""
    deadline.check()
    ended = (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError)
    if isinstance(error, ssl.SSLCertVerificationError):
        raise FetchError("certificate", error.verify_message) from error
    if isinstance(error, (*ended, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        raise FetchError("broken_off", temporary=True) from error
    if isinstance(error, TimeoutError):
        raise FetchError("silent", temporary=True) from error
    if isinstance(error, ssl.SSLError):
        raise FetchError("tls", error.reason or error, temporary=True) from error
    if isinstance(error, OSError):
        raise FetchError("unreachable", _said(error), temporary=True) from error
    raise FetchError("garbled", type(error).__name__) from error


def _said(error: OSError | None) -> str:
    return str(error.strerror or error) if error else ""


def _header(reply: http.client.HTTPResponse, name: str, longest: int) -> str:
    """A header's value; "" if it is missing or longer than we keep."""
    value = one_line(reply.headers.get(name, ""))
    return value if len(value) <= longest and value.isascii() else ""


def _location(reply: http.client.HTTPResponse) -> str:
    """Where a reply leads to. Some servers leave hanzi in it as they are, in UTF-8."""
    raw = reply.headers.get("Location", "").encode("latin-1", "replace")
    return one_line(raw.decode(errors="replace"))[: fileaddresses.LONGEST + 1]


def _filename(headers: Message, address: FileAddress) -> str:
    """As the server names the file, else as its address does."""
    try:
        named = headers.get_filename() or ""
    except (ValueError, LookupError):
        named = ""
    name = one_line(named).rpartition("/")[2].rpartition("\\")[2]
    return (name or one_line(address.filename))[:200]
