"""Exports as workbooks. A small one is written while the request waits. A job writes a larger
one, which is kept in pieces for a day, so that any web server can send it.

A workbook can only be written as a whole, from the first row to the last. So the job has one batch:
a killed worker's job begins anew.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Event, Thread
from typing import IO

from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts import workbookwriter
from contacts.models import Job
from contacts.services.contactsheet import Sheet
from contacts.services.jobs import JobLostError
from contacts.tablemodels import ExportFile, ExportPiece
from contacts.workbookwriter import Written

KEPT_FOR = timedelta(days=1)
# Files of a workspace; the oldest is deleted for a new one.
MOST = 10
PIECE = 1024 * 1024
# Seconds between two notes of a job's progress.
PAUSE = 2.0
# Rows between two looks at whether the job goes on.
ROWS = 500


def written(
    out: IO[bytes], sheet: Sheet, on_row: Callable[[int], None] = lambda _number: None
) -> Written:
    """Writes the workbook to the temporary file `out`. `on_row` gets the number of each row."""

    def rows() -> Iterator[list[object]]:
        for number, row in enumerate(sheet.rows, 1):
            on_row(number)
            yield row

    return workbookwriter.write(out.name, sheet.header, rows(), title=_("Contacts"))


def write(job: Job, sheet: Sheet) -> Written:
    """Writes the file of the job and stores it. Raises JobLostError."""
    with NamedTemporaryFile(suffix=".xlsx") as out:
        with _progress(job) as on_row:
            done = written(out, sheet, on_row)
        _store(job, Path(out.name))
    return done


def name_of(workspace: Workspace) -> str:
    return f"contacts-{workspace.slug}.xlsx"


def _store(job: Job, path: Path) -> None:
    file = ExportFile.objects.create(job=job, name=name_of(job.workspace), size=path.stat().st_size)
    with path.open("rb") as data:
        number = 0
        while piece := data.read(PIECE):
            # One by one: each is a megabyte.
            ExportPiece.objects.create(file=file, number=number, data=piece)
            number += 1
    others = ExportFile.objects.filter(job__workspace=job.workspace_id).order_by("-pk")
    _drop(ExportFile.objects.filter(pk__in=list(others.values_list("pk", flat=True)[MOST:])))


@contextmanager
def _progress(job: Job) -> Iterator[Callable[[int], None]]:
    """Notes the number of rows done, in a thread with its own connection: the batch's transaction
    is open until the end. The function that it gives raises JobLostError if the job was cancelled
    or taken over."""
    done, lost, over = [0], Event(), Event()
    ours = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, holder=job.holder)

    def note() -> None:
        try:
            while not over.wait(PAUSE):
                if not ours.update(done=done[0]):
                    lost.set()
                    return
        finally:
            connections.close_all()

    def on_row(number: int) -> None:
        done[0] = number
        if number % ROWS == 0 and lost.is_set():
            raise JobLostError

    thread = Thread(target=note, name="progress", daemon=True)
    thread.start()
    try:
        yield on_row
    finally:
        over.set()
        thread.join()


# Files -------------------------------------------------------------------------------------------


def of(job: Job) -> ExportFile | None:
    """None: it was deleted, or the job didn't write one."""
    return ExportFile.objects.filter(job=job).first()


def pieces(file: ExportFile) -> Iterator[bytes]:
    """One by one: a cursor outside of a transaction would store the whole file anew."""
    rows = ExportPiece.objects.filter(file=file).values_list("data", flat=True)
    number = 0
    while (data := rows.filter(number=number).first()) is not None:
        yield bytes(data)
        number += 1


def drop_old() -> None:
    """Delete files that are older than a day."""
    _drop(ExportFile.objects.filter(created_at__lt=timezone.now() - KEPT_FOR))


def _drop(files: QuerySet[ExportFile]) -> None:
    ids = list(files.values_list("pk", flat=True))
    # By SQL alone: Django would read the pieces first.
    pieces_of = ExportPiece.objects.filter(file__in=ids)
    pieces_of._raw_delete(pieces_of.db)  # noqa: SLF001
    ExportFile.objects.filter(pk__in=ids).delete()
