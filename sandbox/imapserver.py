"""The IMAP mailboxes of the workspaces: pymap with its messages in the database.

Each row of SandboxReturn is a message; its id is the UID, so UIDs survive a restart. Memory holds
only ids and flags. Flags, and folders without messages, are lost at a restart.
"""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeAlias

from django.utils import timezone
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Identity, Login, Session
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import LoadedMessage, MailboxData, MailboxSet, Message
from pymap.exceptions import AuthorizationFailure, InvalidAuth
from pymap.imap import IMAPServer
from pymap.interfaces.login import IdentityInterface
from pymap.mime import MessageContent
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement, ObjectId
from pysasl.creds.plain import PlainCredentials
from pysasl.creds.server import ServerCredentials

from sandbox.models import SandboxReturn
from sandbox.store import Store

UID_VALIDITY = 1
INBOX = "INBOX"
# The workspace's id for user and password; None if they are wrong.
LogIn: TypeAlias = Callable[[str, str], Awaitable[int | None]]


class Stored(Message):
    """A message whose content is loaded on demand."""

    __slots__ = ("store",)
    store: Store

    async def load_content(self, requirement: FetchRequirement) -> LoadedMessage:
        if requirement == FetchRequirement.NONE:
            return LoadedMessage(self, requirement, None)
        raw = await self.store.run(lambda: _raw(self.uid))
        return LoadedMessage(self, requirement, MessageContent.parse(raw))


def _raw(uid: int) -> bytes:
    found = SandboxReturn.objects.filter(pk=uid).values_list("raw", flat=True).first()
    return bytes(found) if found is not None else b"\r\n"


class SandboxFolder(MailboxData):
    """A folder of a workspace. A change is written to the database before clients see it."""

    def __init__(self, store: Store, workspace: int, name: str) -> None:
        super().__init__(None, None)  # type: ignore[arg-type]  # caches of contents, not used
        self.store = store
        self.workspace = workspace
        self.name = name
        self._uid_validity = UID_VALIDITY
        self._max_uid = 0

    def add(self, uid: int, when: datetime, *, recent: bool = True) -> Stored:
        """Adds a message whose row is in the database."""
        message = Stored(uid, when, (), email_id=ObjectId(b"M%d" % uid), recent=recent)
        message.store = self.store
        self._messages[uid] = message
        self._max_uid = max(self._max_uid, uid)
        self._mod_sequences.update([uid])
        self._updated.set()
        return message

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        when = append_msg.when or timezone.now()
        row = SandboxReturn(
            workspace_id=self.workspace,
            folder=self.name,
            raw=bytes(append_msg.literal),
            created_at=when,
        )
        await self.store.run(row.save)
        return self.add(row.pk, when, recent=recent)

    async def copy(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        message = self._messages.get(uid)
        if message is None or not isinstance(destination, SandboxFolder):
            return None
        name = destination.name
        new_uid = await self.store.run(lambda: _copy(uid, name))
        if new_uid is None:
            return None
        destination.add(new_uid, message.internal_date, recent=recent)
        return new_uid

    async def move(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        new_uid = await self.copy(uid, destination, recent=recent)
        if new_uid is not None:
            await self.delete([uid])
        return new_uid

    async def delete(self, uids: Iterable[int]) -> None:
        gone = list(uids)
        await self.store.run(lambda: SandboxReturn.objects.filter(pk__in=gone).delete())
        await super().delete(gone)


def _copy(uid: int, folder: str) -> int | None:
    row = SandboxReturn.objects.filter(pk=uid).first()
    if row is None:
        return None
    row.pk, row.folder = None, folder
    row.save(force_insert=True)
    return int(row.pk or 0)


class Folders(MailboxSet):
    """The folders of a workspace."""

    def __init__(self, store: Store, workspace: int) -> None:
        super().__init__()
        self.store = store
        self.workspace = workspace
        self._inbox = SandboxFolder(store, workspace, INBOX)
        self._set: dict[str, MailboxData] = {}

    def folder(self, name: str) -> SandboxFolder:
        """The folder of that name; it is made if it doesn't exist."""
        found = self._inbox if name == INBOX else self._set.get(name)
        if not isinstance(found, SandboxFolder):
            found = self._set[name] = SandboxFolder(self.store, self.workspace, name)
        return found

    async def add_mailbox(self, name: str) -> ObjectId:
        if name in self._set:
            raise ValueError(name)
        return self.folder(name).mailbox_id

    async def delete_mailbox(self, name: str) -> None:
        gone = self._set[name]
        await gone.delete([message.uid async for message in gone.messages()])
        await super().delete_mailbox(name)

    async def rename_mailbox(self, before: str, after: str) -> None:
        """Not supported: raises KeyError, as for a missing folder."""
        raise KeyError(before, after)


class SandboxLogin(Login):
    """Users are the workspaces' sandbox mailboxes."""

    def __init__(
        self, config: Config, log_in: LogIn, open_folders: Callable[[int], Folders]
    ) -> None:
        super().__init__(config)
        self.log_in = log_in
        self.open_folders = open_folders

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        if not isinstance(credentials, PlainCredentials):
            raise InvalidAuth
        secret = str(credentials._secret)  # noqa: SLF001
        workspace = await self.log_in(credentials.authcid, secret)
        if workspace is None:
            raise InvalidAuth
        return SandboxIdentity(credentials.authcid, self, workspace)

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Identity:
        """Nobody may act for another user."""
        if not isinstance(authenticated, SandboxIdentity) or authenticated.name != authzid:
            raise AuthorizationFailure
        return authenticated


class SandboxIdentity(Identity):
    def __init__(self, name: str, login: SandboxLogin, workspace: int) -> None:
        super().__init__(name, login, None, frozenset())
        self.folders = login.open_folders(workspace)

    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[Session]:
        yield Session(self.name, self.config, self.folders, FilterSet())


class Mailboxes:
    """The mailboxes of all workspaces, and the IMAP server on them."""

    def __init__(self, store: Store, log_in: LogIn) -> None:
        self.store = store
        store.arrived = self.arrived
        self._folders: dict[int, Folders] = {}
        config = Config(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=None,
            port=0,
            tls_enabled=False,
            reject_dnsbl=False,
            demo_data=False,
            demo_user="",
            demo_password="",
        )
        config.apply_context()
        login = SandboxLogin(config, log_in, self.folders)
        self._server = IMAPServer(login, config)
        self._sessions: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Loads the messages from the database."""
        rows = await self.store.run(
            lambda: list(
                SandboxReturn.objects.order_by("id").values_list(
                    "id", "workspace_id", "folder", "created_at"
                )
            )
        )
        for uid, workspace, folder, when in rows:
            self.folders(workspace).folder(folder).add(uid, when)

    def folders(self, workspace: int) -> Folders:
        return self._folders.setdefault(workspace, Folders(self.store, workspace))

    def arrived(self, row: SandboxReturn) -> None:
        """Adds a return that was just committed."""
        self.folders(row.workspace_id).folder(INBOX).add(row.pk, row.created_at)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task  # noqa: S101 - asyncio runs this in a task
        self._sessions.add(task)
        try:
            await self._server(reader, writer, SocketInfo.get(writer, None))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._sessions.discard(task)
            writer.close()

    async def stop(self) -> None:
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
