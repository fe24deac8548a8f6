"""Stores the sandbox's mail in the database, in sets, by one thread.

The caller of `keep` waits until the mail and its returned mail are committed. Mails that arrive
meanwhile go into the next set. The UIDs of the IMAP mailboxes rely on the single thread.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TypeVar
from uuid import UUID, uuid4

from django.db import Error, close_old_connections, connection, transaction

from environment import logs
from sandbox import returns
from sandbox.behaviour import Behaviour
from sandbox.models import SandboxMail, SandboxReturn
from sandbox.returns import Taken
from sandbox.smtpserver import StoreError

log = logs.get(__name__)

T = TypeVar("T")
# Mails in one set. Further mails wait for the next set.
LARGEST_SET = 500
# Mails that are kept for each workspace, the newest ones.
KEPT = 20_000
# Old mails are removed after so many new ones.
PRUNE_EVERY = 1_000
# Seconds for which storing is retried while the database is unavailable.
PATIENCE = 60.0


@dataclass
class IncomingMail:
    """A mail to store. `back`: its returned mail, if any."""

    workspace: int | None
    mail: Taken
    outcome: str
    back: bytes | None
    done: asyncio.Future[None]
    key: UUID = field(default_factory=uuid4)


class Store:
    """`arrived` is called for each committed return, in order."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-store")
        self.arrived: Callable[[SandboxReturn], None] = lambda _row: None
        self._items: list[IncomingMail] = []
        self._writing: asyncio.Task[None] | None = None
        self._since_prune: Counter[int | None] = Counter()

    async def keep(self, workspace: int | None, mail: Taken, asked: Behaviour) -> None:
        """Stores the mail, and returns when it is committed. Raises StoreError."""
        back = returns.make(asked.outcome, mail) if workspace is not None else None
        done = asyncio.get_running_loop().create_future()
        self._items.append(IncomingMail(workspace, mail, asked.outcome.value, back, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await done

    async def run(self, function: Callable[[], T]) -> T:
        """Runs a query in the thread that has the connection."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: _fresh(function)
        )

    async def close(self) -> None:
        """Closes the store after all mails are stored."""
        if self._writing:
            await asyncio.gather(self._writing, return_exceptions=True)
        # A lambda, so that the thread looks up its own connection.
        await self.run(lambda: connection.close())  # noqa: PLW0108
        self._thread.shutdown()

    async def _write(self) -> None:
        while self._items:
            items, self._items = self._items[:LARGEST_SET], self._items[LARGEST_SET:]
            try:
                stored = await self.run(lambda: _insist(items))  # noqa: B023 - awaited here
            except Error as error:
                log.warning("mails could not be stored", mails=len(items), error=error)
                _fail(items, StoreError(str(error)))
                continue
            except BaseException as error:
                _fail(items, StoreError(type(error).__name__))
                raise
            for one in stored:
                self.arrived(one)
            for item in items:
                if not item.done.done():
                    item.done.set_result(None)
            await self._prune(items)

    async def _prune(self, items: list[IncomingMail]) -> None:
        self._since_prune.update(item.workspace for item in items)
        due = [one for one, count in self._since_prune.items() if count >= PRUNE_EVERY]
        for workspace in due:
            del self._since_prune[workspace]
            await self.run(lambda: prune(workspace))  # noqa: B023 - awaited here


def _fail(items: list[IncomingMail], error: StoreError) -> None:
    for item in items:
        if not item.done.done():
            item.done.set_exception(error)


def _fresh(function: Callable[[], T]) -> T:
    """Calls the function with a working connection, if the last one broke."""
    close_old_connections()
    return function()


def _insist(items: list[IncomingMail]) -> list[SandboxReturn]:
    """Retries while the database is unavailable. If only the answer of a commit was lost, the keys
    of the mails prevent a second copy."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return _fresh(lambda: save(items))
        except Error:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def save(items: list[IncomingMail]) -> list[SandboxReturn]:
    """Stores mails and returned mails in one transaction. Gives the rows of the returned mails."""
    keys = [item.key for item in items]
    with transaction.atomic():
        SandboxMail.objects.bulk_create(map(_row, items), ignore_conflicts=True)
        ids = dict(SandboxMail.objects.filter(key__in=keys).values_list("key", "id"))
        known = set(
            SandboxReturn.objects.filter(mail__in=ids.values()).values_list("mail_id", flat=True)
        )
        fresh = [
            SandboxReturn(
                workspace_id=item.workspace,
                mail_id=ids[item.key],
                raw=item.back,
                created_at=item.mail.at,
            )
            for item in items
            if item.workspace is not None and item.back is not None and ids[item.key] not in known
        ]
        SandboxReturn.objects.bulk_create(fresh)
    repeated = list(SandboxReturn.objects.filter(mail__in=known)) if known else []
    return [*repeated, *fresh]


def _row(item: IncomingMail) -> SandboxMail:
    return SandboxMail(
        workspace_id=item.workspace,
        key=item.key,
        envelope_from=item.mail.sender[:320],
        envelope_to=item.mail.recipient[:320],
        subject=subject_of(item.mail.raw),
        outcome=item.outcome,
        raw=item.mail.raw,
        received_at=item.mail.at,
    )


def subject_of(raw: bytes) -> str:
    """The decoded Subject header, for the list of mails."""
    found = returns.find_header(raw, b"subject").decode("utf-8", "replace")
    try:
        text = str(make_header(decode_header(found)))
    except (HeaderParseError, LookupError, ValueError):
        text = found
    return text.replace("\0", "")[:500]


def prune(workspace: int | None) -> None:
    """Removes the mails of a workspace (None: the platform's) beyond the newest KEPT."""
    mails = SandboxMail.objects.filter(workspace=workspace).order_by("-id")
    oldest = mails.values_list("id", flat=True)[KEPT - 1 : KEPT].first()
    if oldest is not None:
        mails.order_by().filter(id__lt=oldest).delete()
