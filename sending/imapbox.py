"""One folder of an IMAP account, as a bounce mailbox needs it: look without touching, then move or
delete single mails by UID.

Nothing is ever marked as read (BODY.PEEK), no flag of a mail that isn't named is changed, and a
plain EXPUNGE, which would also remove what a person marked as deleted, is only given when nothing
else is marked. Errors are `BoxError`s with a sentence.
"""

import contextlib
import imaplib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Self

from django.utils.translation import gettext_noop
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from sending import hosts

# Seconds for the connection, and for each answer.
CONNECT = 15.0
TIMEOUT = SocketTimeout(connect=CONNECT, read=60)
# As much of a mail as is ever read (sending.dsn.parts.MOST_BYTES).
MOST_BYTES = 256 * 1024
# UIDs in one command: servers limit the length of a line.
AT_ONCE = 200

SENTENCES = {
    "dns": gettext_noop("The server's name is not known. Check how it is written."),
    "host": gettext_noop("This server can't be used for a mailbox."),
    "refused": gettext_noop("The server takes no connection on this port. Check the port."),
    "timeout": gettext_noop("The server does not answer. Check server, port and firewall."),
    "certificate": gettext_noop(
        "The server's certificate is not valid for this name, so the connection was not trusted."
    ),
    "tls": gettext_noop(
        "No encrypted connection could be made. Check the port (993 for TLS) and the encryption."
    ),
    "starttls": gettext_noop("The server offers no STARTTLS. Choose TLS with port 993."),
    "login": gettext_noop(
        "The server refuses this user and password. Many providers want an app password or an "
        "authorization code instead, and IMAP switched on in their settings."
    ),
    "folder": gettext_noop("There is no such folder in this mailbox."),
    "closed": gettext_noop("The server closed the connection."),
    "move": gettext_noop("The processed mail could not be moved or deleted."),
    "protocol": gettext_noop("The server answered something unexpected."),
}


class BoxError(Exception):
    """What is wrong: `code` is a key of SENTENCES, `words` what the server or system said."""

    def __init__(self, code: str, words: object = "") -> None:
        self.code = code
        self.words = _words(words)
        super().__init__(f"{SENTENCES[code]} {self.words}".strip())


def _words(error: object) -> str:
    text = str(error)
    # imaplib passes the server's answer on as the text of bytes.
    if text.startswith(("b'", 'b"')):
        text = text[2:-1]
    return " ".join(text.split())[:500]


@dataclass(frozen=True, slots=True)
class Account:
    host: str
    port: int
    security: str  # "tls", "starttls" or "none"
    username: str
    password: str
    folder: str = "INBOX"


@dataclass(frozen=True, slots=True)
class Folder:
    name: str
    mails: int
    unseen: int


@cache
def context() -> ssl.SSLContext:
    """One for the process: loading the certificates takes 20 ms."""
    return ssl.create_default_context()


class _Connection(imaplib.IMAP4):
    """Connects to addresses that were checked, while the certificate is held against the name."""

    def __init__(self, account: Account, addresses: Sequence[str], tls: ssl.SSLContext) -> None:
        self.account = account
        self.addresses = addresses
        self.tls = tls
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


class _Client(IMAPClient):  # type: ignore[misc]  # has no types
    def __init__(self, account: Account, addresses: Sequence[str], tls: ssl.SSLContext) -> None:
        self.make: Callable[[], imaplib.IMAP4] = lambda: _Connection(account, addresses, tls)
        tls_at_once = account.security == "tls"
        super().__init__(account.host, account.port, ssl=tls_at_once, timeout=TIMEOUT)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the name is IMAPClient's
        return self.make()


class ImapBox:
    """`with ImapBox(account) as box:` connects, logs in and selects the folder.

    After `select=False` only `folders` can be asked. `trusted`: our own sandbox, wherever it
    listens; any other server's addresses are checked (sending.hosts). Raises BoxError.
    """

    def __init__(
        self,
        account: Account,
        *,
        select: bool = True,
        trusted: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.account = account
        self.select = select
        self.trusted = trusted
        self.tls = tls or context()
        self.uid_validity = 0

    def __enter__(self) -> Self:
        with _trouble():
            self.client = self._connect()
        try:
            self._log_in()
            if self.select:
                self._select()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def _connect(self) -> IMAPClient:
        client = _Client(self.account, self._addresses(), self.tls)
        if self.account.security == "starttls":
            try:
                self._start_tls(client)
            except BaseException:
                _drop(client)
                raise
        return client

    def _start_tls(self, client: IMAPClient) -> None:
        if not client.has_capability("STARTTLS"):
            raise BoxError("starttls")
        client.starttls(self.tls)

    def _addresses(self) -> list[str]:
        if self.trusted:
            return [self.account.host]
        try:
            return hosts.resolve(self.account.host, self.account.port)
        except hosts.UnknownHostError as error:
            raise BoxError("dns", error) from error
        except hosts.HostError as error:
            raise BoxError("host", error) from error

    def _log_in(self) -> None:
        account = self.account
        with _trouble():
            try:
                if account.username.isascii() and account.password.isascii():
                    self.client.login(account.username, account.password)
                else:  # LOGIN takes ASCII only
                    self.client.plain_login(account.username, account.password)
            except LoginError as error:
                raise BoxError("login", error) from error
            # NetEase answers "Unsafe Login" to a SELECT before it was told who we are (RFC 2971).
            if self.client.has_capability("ID"):
                with contextlib.suppress(IMAPClientError):
                    self.client.id_({"name": "Yanshu", "version": "1"})

    def _select(self) -> None:
        with _trouble():
            try:
                answer = self.client.select_folder(self.account.folder)
            except IMAPClientError as error:
                if isinstance(error, self.client.AbortError):
                    raise
                raise BoxError("folder", error) from error
        self.uid_validity = int(answer.get(b"UIDVALIDITY", 1))

    def _leave(self) -> None:
        # A LOGOUT never expunges, unlike CLOSE. What goes wrong now matters to nobody.
        try:
            self.client.logout()
        except (IMAPClientError, OSError):
            _drop(self.client)

    # Looking ---------------------------------------------------------------------------------

    def folders(self) -> list[Folder]:
        """All folders that can be opened, with their counts."""
        found = []
        with _trouble():
            for flags, _delimiter, name in self.client.list_folders()[:200]:
                if b"\\Noselect" in flags or b"\\NonExistent" in flags:
                    continue
                with contextlib.suppress(IMAPClientError):
                    status = self.client.folder_status(name, ["MESSAGES", "UNSEEN"])
                    mails, unseen = status[b"MESSAGES"], status.get(b"UNSEEN", 0)
                    found.append(Folder(str(name), mails, unseen))
        return found

    def uids_from(self, uid: int) -> list[int]:
        """UIDs of the mails in the folder, from `uid` on, ascending."""
        with _trouble():
            # "n:*" names the last mail even if its UID is smaller (RFC 3501, 6.4.8).
            found = self.client.search(["UID", f"{uid}:*"])
        return sorted(one for one in found if one >= uid)

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """(UID, the mail's first MOST_BYTES) of a few mails, which are in memory together; those
        that are gone by now are left out."""
        with _trouble():
            sizes = self.client.fetch(uids, ["RFC822.SIZE"])
        small = [uid for uid in uids if sizes.get(uid, {}).get(b"RFC822.SIZE", 0) <= MOST_BYTES]
        large = [uid for uid in uids if uid in sizes and uid not in set(small)]
        # Some servers get the partial FETCH wrong: only large mails depend on it.
        for wanted, section in ((small, "BODY.PEEK[]"), (large, f"BODY.PEEK[]<0.{MOST_BYTES}>")):
            if not wanted:
                continue
            with _trouble():
                answers = self.client.fetch(wanted, [section])
            for uid in wanted:
                if (raw := _body(answers.get(uid, {}))) is not None:
                    yield uid, raw[:MOST_BYTES]

    # Clearing --------------------------------------------------------------------------------

    def move(self, uids: Iterable[int], folder: str) -> None:
        """Moves those mails that are still there; the folder is made if it is missing."""
        here = self._still_here(uids)
        if not here:
            return
        with _trouble("move"):
            if not self.client.folder_exists(folder):
                self.client.create_folder(folder)
                with contextlib.suppress(IMAPClientError):
                    self.client.subscribe_folder(folder)
            for some in _chunks(here):
                if self.client.has_capability("MOVE"):
                    self.client.move(some, folder)
                else:
                    self.client.copy(some, folder)
                    self._remove(some)

    def delete(self, uids: Iterable[int]) -> None:
        """Deletes those mails that are still there, and no other."""
        with _trouble("move"):
            for some in _chunks(self._still_here(uids)):
                self._remove(some)

    def _still_here(self, uids: Iterable[int]) -> list[int]:
        wanted = sorted(uids)
        found: list[int] = []
        with _trouble():
            for some in _chunks(wanted):
                found += self.client.search(["UID", ",".join(map(str, some))])
        return sorted(found)

    def _remove(self, uids: list[int]) -> None:
        self.client.add_flags(uids, [b"\\Deleted"], silent=True)
        if self.client.has_capability("UIDPLUS"):
            self.client.uid_expunge(uids)
        elif set(self.client.search(["DELETED"])) <= set(uids):
            self.client.expunge()
        # Else they stay, marked as deleted: EXPUNGE would take a person's mails with them.


def _drop(client: IMAPClient) -> None:
    with contextlib.suppress(IMAPClientError, OSError):
        client.shutdown()


def _body(answer: dict[bytes, Any]) -> bytes | None:
    for name, value in answer.items():
        if name.startswith(b"BODY[]") and isinstance(value, bytes):
            return value
    return None


def _chunks(uids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(uids), AT_ONCE):
        yield list(uids[start : start + AT_ONCE])


@contextlib.contextmanager
def _trouble(otherwise: str = "protocol") -> Iterator[None]:
    """Everything that an IMAP command can raise, as a BoxError."""
    try:
        yield
    except socket.gaierror as error:
        raise BoxError("dns", error.strerror) from error
    except ssl.SSLCertVerificationError as error:
        raise BoxError("certificate", error.verify_message) from error
    except ssl.SSLError as error:
        raise BoxError("tls", error.reason or error) from error
    except TimeoutError as error:
        raise BoxError("timeout", error) from error
    except ConnectionRefusedError as error:
        raise BoxError("refused", error.strerror) from error
    except OSError as error:
        raise BoxError("closed", error.strerror or error) from error
    except IMAPClient.AbortError as error:
        raise BoxError("closed", error) from error
    except (IMAPClientError, ValueError) as error:
        raise BoxError(otherwise, error) from error
