"""One folder of an IMAP account, as a bounce mailbox needs it: look without touching, then move or
delete single mails by UID.

Nothing is ever marked as read (BODY.PEEK), no flag of a mail that isn't named is changed, and a
plain EXPUNGE, which would also remove what a person marked as deleted, is only given when nothing
else is marked. Errors are `BoxError`s with a sentence.
"""

import contextlib
import imaplib
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import TracebackType
from typing import Any, Self

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from bounces.imap import folders as imapfolders
from bounces.imap.errors import BoxError, trouble
from bounces.imap.folders import Namespace
from bounces.imap.wire import CONNECT, LONGEST, READ, Account, Connection
from smtp import hosts

TIMEOUT = SocketTimeout(connect=CONNECT, read=READ)
# As much of a mail as is ever read (bounces.reading.parts.MOST_BYTES).
MOST_BYTES = 256 * 1024
# UIDs in one command: servers limit the length of a line.
AT_ONCE = 200
# RFC 3501, 2.3.1.1: UIDs and UIDVALIDITY are numbers of 32 bits.
LARGEST = 2**32 - 1
# UIDs that are remembered of a folder; the others come next time.
MOST_UIDS = 20_000
# Seconds for a LOGOUT.
LEAVING = 3.0


@dataclass(frozen=True, slots=True)
class Folder:
    name: str
    mails: int
    unseen: int


@cache
def context() -> ssl.SSLContext:
    """One for the process: loading the certificates takes 20 ms."""
    return ssl.create_default_context()


class _Client(IMAPClient):  # type: ignore[misc]  # has no types
    def __init__(
        self, account: Account, addresses: Sequence[str], tls: ssl.SSLContext, *, longest: float
    ) -> None:
        self.make: Callable[[], imaplib.IMAP4] = partial(
            Connection, account, addresses, tls, longest=longest
        )
        tls_at_once = account.security == "tls"
        super().__init__(account.host, account.port, ssl=tls_at_once, timeout=TIMEOUT)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the name is IMAPClient's
        return self.make()


class ImapBox:
    """`with ImapBox(account) as box:` connects, logs in and selects the folder.

    After `select=False` only `folders` can be asked, until `open`. `trusted`: a server of ours,
    wherever it listens; any other server's addresses are checked (smtp.hosts). Raises BoxError.
    """

    def __init__(
        self,
        account: Account,
        *,
        select: bool = True,
        trusted: bool = False,
        tls: ssl.SSLContext | None = None,
        longest: float = LONGEST,
    ) -> None:
        """`longest`: seconds for all that is done inside."""
        self.longest = longest
        self.account = account
        self.select = select
        self.trusted = trusted
        self.tls = tls or context()
        self.uid_validity = 0
        # The open folder's name on the server, its mails, and the UID that the next one gets.
        self.opened = ""
        self.mails = 0
        self.uid_next = 1
        self.readonly = False
        self._space: Namespace | None = None

    def __enter__(self) -> Self:
        with trouble():
            self.client = self._connect()
        try:
            self._log_in()
            if self.select:
                self.open()
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
        client = _Client(self.account, self._addresses(), self.tls, longest=self.longest)
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
        with trouble():
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

    def open(self) -> None:
        """Selects the account's folder, by the name that the server has for it."""
        with trouble():
            answer = self._select(self.account.folder)
        self.uid_validity = _number(answer.get(b"UIDVALIDITY", 1))
        self.mails = _number(answer.get(b"EXISTS", 0))
        self.uid_next = _number(answer.get(b"UIDNEXT", 1))
        self.readonly = b"READ-ONLY" in answer and b"READ-WRITE" not in answer

    def _select(self, typed: str) -> dict[bytes, Any]:
        first: IMAPClientError | None = None
        for name in imapfolders.to_find(typed, self._namespace()):
            try:
                answer: dict[bytes, Any] = self.client.select_folder(name)
            except IMAPClientError as error:
                if isinstance(error, self.client.AbortError):
                    raise
                first = first or error
            else:
                self.opened = name
                return answer
        raise BoxError("folder", first or "") from first

    def _leave(self) -> None:
        # A LOGOUT never expunges, unlike CLOSE. What goes wrong now matters to nobody.
        try:
            connection: Connection = self.client._imap  # noqa: SLF001 - made by _Client
            connection.ends_in(LEAVING)
            self.client.logout()
        except Exception:  # noqa: BLE001 - a server may answer anything
            _drop(self.client)

    # Looking ---------------------------------------------------------------------------------

    def folders(self) -> list[Folder]:
        """All folders that can be opened, with their counts."""
        found = []
        with trouble():
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
        with trouble():
            # "n:*" names the last mail even if its UID is smaller (RFC 3501, 6.4.8).
            found = self.client.search(["UID", f"{uid}:*"])
        return sorted({one for one in found if uid <= one <= LARGEST})[:MOST_UIDS]

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """(UID, the mail's first MOST_BYTES) of a few mails, which are in memory together; those
        that are gone by now are left out."""
        with trouble():
            sizes = self.client.fetch(uids, ["RFC822.SIZE"])
        # A size that is none is a large mail's.
        small = [uid for uid in uids if _is_small(sizes.get(uid, {}).get(b"RFC822.SIZE", 0))]
        large = [uid for uid in uids if uid in sizes and uid not in set(small)]
        # Some servers get the partial FETCH wrong: only large mails depend on it.
        for wanted, section in ((small, "BODY.PEEK[]"), (large, f"BODY.PEEK[]<0.{MOST_BYTES}>")):
            if not wanted:
                continue
            with trouble():
                answers = self.client.fetch(wanted, [section])
            for uid in wanted:
                if (raw := _body(answers.get(uid, {}))) is not None:
                    yield uid, raw[:MOST_BYTES]

    # The folder to move to -------------------------------------------------------------------

    def _namespace(self) -> Namespace:
        """Where the server wants folders, and how it separates levels; asked once."""
        if self._space is None:
            self._space = self._asked_namespace() or Namespace(separator=self._separator())
        return self._space

    def _asked_namespace(self) -> Namespace | None:
        if not self.client.has_capability("NAMESPACE"):
            return None
        with contextlib.suppress(IMAPClientError, ValueError, TypeError):
            personal = self.client.namespace().personal
            if personal:
                prefix, separator = personal[0]
                return Namespace(_text(prefix), _text(separator))
        return None

    def _separator(self) -> str:
        """From LIST "" "", which names no folder (RFC 3501, 6.3.8)."""
        with contextlib.suppress(IMAPClientError, ValueError):
            for _flags, separator, _name in self.client.list_folders("", ""):
                return _text(separator)
        return imapfolders.TYPED

    def prepare(self, typed: str) -> str:
        """The server's name of the folder that was typed, which is made if it is missing. Raises
        BoxError."""
        with trouble("create"):
            space = self._namespace()
            for name in imapfolders.to_find(typed, space):
                if found := self._found(name):
                    return found
            name = self._make(typed, space)
            with contextlib.suppress(IMAPClientError):
                self.client.subscribe_folder(name)
            return name

    def _found(self, name: str) -> str:
        """The folder as the server lists it, if mails can be moved to it: some names stand for
        levels only. "" if there is none."""
        for flags, _separator, found in self.client.list_folders("", name):
            levels_only = {b"\\noselect", b"\\nonexistent"} & {flag.lower() for flag in flags}
            if imapfolders.same(str(found), name) and not levels_only:
                return imapfolders.normal(str(found))
        return ""

    def _make(self, typed: str, space: Namespace) -> str:
        first: IMAPClientError | None = None
        for name in imapfolders.to_make(typed, space):
            for above in ((), imapfolders.parents(name, space)):
                for one in above:
                    with contextlib.suppress(IMAPClientError):
                        self.client.create_folder(one)
                try:
                    self.client.create_folder(name)
                except IMAPClientError as error:
                    if isinstance(error, self.client.AbortError):
                        raise
                    # It may be there and not be listed, or another process was faster.
                    if self._answers(name):
                        return name
                    first = first or error
                else:
                    return name
        raise BoxError("create", first or "") from first

    def _answers(self, name: str) -> bool:
        try:
            self.client.folder_status(name, ["MESSAGES"])
        except IMAPClientError:
            return False
        return True

    # Clearing --------------------------------------------------------------------------------

    def move(self, uids: Iterable[int], folder: str) -> None:
        """Moves those mails that are still there; the folder is made if it is missing."""
        here = self._still_here(uids)
        if not here:
            return
        target = self.prepare(folder)
        if imapfolders.same(target, self.opened):
            raise BoxError("same")
        with trouble("move"):
            for some in _chunks(here):
                if self.client.has_capability("MOVE"):
                    self.client.move(some, target)
                else:
                    self.client.copy(some, target)
                    self._remove(some)

    def delete(self, uids: Iterable[int]) -> None:
        """Deletes those mails that are still there, and no other."""
        with trouble("move"):
            for some in _chunks(self._still_here(uids)):
                self._remove(some)

    def _still_here(self, uids: Iterable[int]) -> list[int]:
        wanted = sorted(uids)
        found: list[int] = []
        with trouble():
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


def _number(value: object) -> int:
    """A number of 32 bits; raises BoxError for another one."""
    if isinstance(value, int) and 0 <= value <= LARGEST:
        return value
    raise BoxError("protocol", f"{value!r:.40} is no number of 32 bits")


def _is_small(size: object) -> bool:
    return isinstance(size, int) and 0 <= size <= MOST_BYTES


def _text(value: object) -> str:
    """A prefix or separator; NIL is none."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _drop(client: IMAPClient) -> None:
    with contextlib.suppress(IMAPClientError, OSError, ValueError):
        client.shutdown()


def _body(answer: dict[bytes, Any]) -> bytes | None:
    for name, value in answer.items():
        if name.startswith(b"BODY[]") and isinstance(value, bytes):
            return value
    return None


def _chunks(uids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(uids), AT_ONCE):
        yield list(uids[start : start + AT_ONCE])
