"""A worker fetches the file of a scheduled import into an import's chunks, piece by piece.

Each piece is a transaction that counts only while the run is ours. A killed worker's run begins
anew: the half file is deleted. The run goes on (`scheduledjudging`) only when the whole file is
here.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from threading import Event

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from accounts import secrets
from contacts import fileaddresses, webfiles
from contacts.fetching import (
    LONGEST,
    Bounds,
    FetchedFile,
    FetchError,
    FileLogin,
    HostKeyError,
    Version,
)
from contacts.models import Import
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import (
    fetchturns,
    importfile,
    importuploads,
    leases,
    scheduledaddresses,
    scheduledruns,
    unfinished,
)
from contacts.services.scheduledruns import RunLostError
from environment import logs

log = logs.get(__name__)

# Bytes of one transaction: whole chunks.
PIECE = 8 * importfile.CHUNK


def fetch_next() -> int | None:
    """Fetch the file of the run whose turn it is. Returns that run if its file is here, to be
    judged. If the database is away, it raises, and the tick has it fetched again after the lease.
    Safe to run twice."""
    run = fetchturns.claim()
    if run is None:
        return None
    stop, rows = Event(), scheduledruns.ours(run)
    try:
        with leases.renewed(rows, scheduledruns.LEASE, most=2 * LONGEST, lost=stop.set):
            return run.pk if _fetched(run, stop) else None
    except RunLostError:
        scheduledruns.drop_file(run)
    except (OperationalError, InterfaceError):
        raise
    except FetchError as error:
        _fail(run, error)
    except Exception:
        log.exception("fetching failed", schedule=run.schedule_id)
        _fail(run, FetchError("fault"))
    return None


def _fail(run: ScheduledRun, error: FetchError) -> None:
    if isinstance(error, HostKeyError):
        ScheduledImport.objects.filter(pk=run.schedule_id).update(shown_key=error.key)
    try:
        scheduledruns.fail(run, error.code, error.words, temporary=error.temporary)
    except (RunLostError, ScheduledImport.DoesNotExist):
        scheduledruns.drop_file(run)


def _fetched(run: ScheduledRun, stop: Event) -> bool:
    """Whether the whole file is here. `stop` ends it: somebody has cancelled it."""
    scheduledruns.drop_file(run)
    schedule = run.schedule
    with _opened(schedule, stop) as found:
        # Its key, if it has one, is the confirmed one again.
        ScheduledImport.objects.filter(pk=schedule.pk).exclude(shown_key="").update(shown_key="")
        if found is None:
            scheduledruns.unchanged(run)
            return False
        import_ = _begun(run, found)
        try:
            size = _store(run, import_, found.pieces)
        except Import.DoesNotExist as error:  # another worker dropped it
            raise RunLostError from error
    scheduledruns.move(
        run,
        ScheduledRun.State.JUDGING,
        size=size,
        etag=found.version.etag,
        modified=found.version.modified,
    )
    return True


def _opened(schedule: ScheduledImport, stop: Event) -> AbstractContextManager[FetchedFile | None]:
    try:
        address = fileaddresses.parse(scheduledaddresses.whole(schedule))
        login = login_of(schedule)
    except fileaddresses.FileAddressError as error:
        raise FetchError(error.code) from error
    except secrets.SecretError as error:
        raise FetchError("secret") from error
    bounds = Bounds(settings.IMPORT_MAX_BYTES, settings.FETCH_NETWORKS, stop=stop)
    if address.scheme == fileaddresses.SFTP:
        # Its library takes half a second to load, which only these workers need.
        from contacts import sftpfiles  # noqa: PLC0415

        return sftpfiles.opened(address, login, _seen(schedule), bounds)
    return webfiles.opened(address, login, _seen(schedule), bounds)


def login_of(schedule: ScheduledImport) -> FileLogin:
    """Raises SecretError."""
    secret, kinds = secrets.decrypt(schedule.secret), ScheduledImport.Login
    return FileLogin(
        username=schedule.username if schedule.login in {kinds.PASSWORD, kinds.KEY} else "",
        password=secret if schedule.login == kinds.PASSWORD else "",
        token=secret if schedule.login == kinds.TOKEN else "",
        key=secret if schedule.login == kinds.KEY else "",
        host_key=schedule.host_key,
    )


def _seen(schedule: ScheduledImport) -> Version:
    """What the server said of the file that was imported last, unless that import failed: then the
    same file is wanted again."""
    last = schedule.confirmed
    if last is None or last.state == Import.State.FAILED:
        return Version()
    return Version(schedule.etag, schedule.modified)


@transaction.atomic
def _begun(run: ScheduledRun, found: FetchedFile) -> Import:
    schedule = run.schedule
    try:
        import_ = importuploads.begin(
            schedule.workspace,
            filename=found.filename or schedule.name,
            by=schedule.created_by,
        )
    except importfile.UploadError as error:
        raise FetchError("no_room") from error
    if not scheduledruns.ours(run).update(of_import=import_):
        raise RunLostError
    run.of_import = import_
    return import_


def _store(run: ScheduledRun, import_: Import, pieces: Iterable[bytes]) -> int:
    """Append the file; returns its size. Raises FetchError, RunLostError."""
    at = 0
    for data in _grouped(pieces):
        try:
            at = importfile.append(
                import_,
                at,
                [data],
                limit=settings.IMPORT_MAX_BYTES,
                most=unfinished.room(import_),
            )
        except importfile.FullError as error:
            raise FetchError("no_room") from error
        except importfile.UploadError as error:
            raise FetchError("cancelled") from error
        if not scheduledruns.ours(run).update(size=at):
            raise RunLostError
    return at


def _grouped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of PIECE."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= PIECE:
            yield bytes(buffer[:PIECE])
            del buffer[:PIECE]
    if buffer:
        yield bytes(buffer)
