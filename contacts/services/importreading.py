"""A worker reads a file that is packed (services.packedfile), because that may take a while.

The import is claimed with a lease and a random name (`holder`). All that is written is one
transaction, which counts only while the import is ours; so a killed worker's import begins anew,
and two workers never mix their bytes. The lease is short, as that of a running import, so that a
killed worker's file waits for no longer. A thread renews it on a connection of its own, because
others don't see what the transaction writes.
"""

import secrets

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from contacts.csvdetect import NotCsvError
from contacts.models import Import, ImportChunk
from contacts.services import (
    importchoices,
    importfile,
    importrun,
    importuploads,
    leases,
    savedmappings,
)
from environment import logs

log = logs.get(__name__)

LEASE = importrun.LEASE
# Longer than any file takes. A worker that hangs loses its file then.
MOST_SECONDS = 15 * 60
# The dialect of a sheet that can't be read.
NO_LINES = {"encoding": "utf-8", "delimiter": ",", "header": 0, "dates": ""}


def read(import_id: int) -> None:
    """Read the file and guess its format and columns. If that is not possible, the import fails
    with a key of csvdetect.SENTENCES as its error; of a workbook with other sheets, it waits until
    a person chooses one of them. If the database is away, it raises, and the
    sweeper has the file read again after the lease. Safe to run twice."""
    import_ = _claimed(import_id)
    if import_ is None:
        return
    try:
        with leases.renewed(_ours(import_), LEASE, most=MOST_SECONDS), transaction.atomic():
            importuploads.make_ready(import_)
            savedmappings.suggest(import_)
    except NotCsvError as error:
        _refuse(import_, error.kind)
    except importrun.ImportLostError:
        log.info("reading stopped: no longer ours", **importrun.named(import_))
    except (OperationalError, InterfaceError):  # the latter: the connection is lost already
        raise
    except Exception:
        log.exception("reading failed", **importrun.named(import_))
        _refuse(import_, "unreadable")


def _claimed(import_id: int) -> Import | None:
    holder, now = secrets.token_hex(8), timezone.now()
    claimed = Import.objects.filter(_due(), pk=import_id).update(
        holder=holder, leased_until=now + LEASE
    )
    return Import.objects.get(pk=import_id) if claimed else None


def _ours(import_: Import) -> QuerySet[Import]:
    return Import.objects.filter(pk=import_.pk, state=Import.State.READING, holder=import_.holder)


def _due() -> Q:
    free = Q(leased_until=None) | Q(leased_until__lt=timezone.now())
    return free & Q(state=Import.State.READING)


def due() -> list[int]:
    """Imports whose file no worker reads."""
    return list(Import.objects.filter(_due()).order_by("id").values_list("pk", flat=True))


@transaction.atomic
def _refuse(import_: Import, kind: str) -> None:
    if len(import_.dialect.get("sheets", ())) > 1:
        _wait_for_sheet(import_, kind)
        return
    refused = _ours(import_).update(
        state=Import.State.FAILED, error=kind, finished_at=timezone.now(), leased_until=None
    )
    if refused:
        ImportChunk.objects.filter(of_import_id=import_.pk).delete()


def _wait_for_sheet(import_: Import, kind: str) -> None:
    """As if the sheet had no lines; `error` says why. The workbook stays."""
    refused = _ours(import_).update(
        state=Import.State.READY,
        error=kind,
        dialect=importchoices.packed_in(import_.dialect) | NO_LINES,
        mapping=[],
        size=0,
        aside=importfile.size_aside(import_.pk),
        leased_until=None,
    )
    if refused:
        importfile.drop_written(import_)
