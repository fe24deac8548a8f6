"""A fetched file: imported, if it leaves no doubt, or left to a person with the reasons."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from contacts.csvdetect import NotCsvError
from contacts.models import Import
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import (
    importchoices,
    importfile,
    imports,
    importuploads,
    leases,
    savedmappings,
    scheduleddoubts,
    scheduledimports,
    scheduledruns,
)
from contacts.services.scheduledruns import RunLostError
from environment import logs

log = logs.get(__name__)

# Longer than the check of any file takes.
MOST_SECONDS = 6 * 3600


def judge(run_id: int, *, enqueue: Callable[[int], Any]) -> None:
    """Import the run's file or let it wait. `enqueue` tells a worker of the import. If the database
    is away, it raises, and the tick repeats it. Safe to run twice: the start of the import and the
    end of the run are one transaction."""
    run = scheduledruns.claim(run_id, ScheduledRun.State.JUDGING)
    if run is None:
        return
    with suppress(RunLostError, ScheduledImport.DoesNotExist, Import.DoesNotExist):
        try:
            rows = scheduledruns.ours(run)
            with leases.renewed(rows, scheduledruns.LEASE, most=MOST_SECONDS):
                _judge(run, enqueue)
        except NotCsvError as error:
            page = error.kind == "web_page"
            scheduledruns.fail(run, "log_in_page" if page else error.kind)
        except (RunLostError, Import.DoesNotExist, OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("judging failed", schedule=run.schedule_id)
            scheduledruns.fail(run, "fault")


def _judge(run: ScheduledRun, enqueue: Callable[[int], Any]) -> None:
    import_ = run.of_import
    if import_ is None or import_.state not in {Import.State.UPLOADING, Import.State.READY}:
        scheduledruns.fail(run, "lost")
        return
    schedule = run.schedule
    if is_same(schedule, import_):
        scheduledruns.unchanged(run)
        return
    if import_.state == Import.State.UPLOADING:
        importuploads.finish_upload(import_)
        savedmappings.suggest(import_)
        import_.refresh_from_db()
    if reasons := scheduleddoubts.find(schedule, import_):
        scheduledruns.wait(run, reasons)
        return
    try:
        reasons = [] if _start(run, import_, enqueue) else [("overtaken", "")]
    except importchoices.ImportRefusedError as error:
        run.state = ScheduledRun.State.JUDGING  # as it was before the rollback
        reasons = [("refused", str(error))]
    if reasons:
        scheduledruns.wait(run, reasons)


def is_same(schedule: ScheduledImport, import_: Import) -> bool:
    """Whether the bytes are those that were imported last. A failed import of them is repeated."""
    last = schedule.confirmed
    if last is None or last.state == Import.State.FAILED:
        return False
    return bool(import_.digest) and import_.digest == last.digest


@transaction.atomic
def _start(run: ScheduledRun, import_: Import, enqueue: Callable[[int], Any]) -> bool:
    """Returns False if a person has confirmed another file of it meanwhile. Raises
    ImportRefusedError, RunLostError."""
    locked = ScheduledImport.objects.select_for_update().get(pk=run.schedule_id)
    if locked.confirmed_id != run.schedule.confirmed_id:
        return False
    scheduledruns.move(run, ScheduledRun.State.STARTED)
    imports.start(import_, enqueue=enqueue)
    savedmappings.used(import_)
    _remember(locked, run, import_)
    return True


@transaction.atomic
def start(
    import_: Import, *, enqueue: Callable[[int], Any], checked: str | None, scope: str
) -> None:
    """A person starts an import (imports.start). If its file was fetched and has waited, the next
    files are imported like it. Raises ImportRefusedError."""
    # The schedule first, as everywhere.
    schedules = ScheduledImport.objects.select_for_update(of=("self",))
    schedule = schedules.filter(runs__of_import=import_).first()
    imports.start(import_, enqueue=enqueue, checked=checked, scope=scope)
    savedmappings.used(import_)
    run = import_.scheduled_runs.filter(state=ScheduledRun.State.WAITING).first()
    if schedule is None or run is None:
        return
    scheduledruns.move(run, ScheduledRun.State.STARTED)
    if schedule.state == ScheduledImport.State.SETUP:
        schedule.state = ScheduledImport.State.ACTIVE
        schedule.next_at = scheduledimports.following(schedule)
    _remember(schedule, run, import_)


def _remember(schedule: ScheduledImport, run: ScheduledRun, import_: Import) -> None:
    schedule.confirmed = import_
    dialect = importfile.dialect_of(import_)
    schedule.header = scheduleddoubts.header_of(import_, dialect)
    schedule.into_list = import_.list_id is not None
    schedule.etag, schedule.modified = run.etag, run.modified
    schedule.failures = 0
    schedule.save()
