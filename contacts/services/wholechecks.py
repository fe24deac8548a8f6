"""The check of a whole import file by a worker, with figures that grow on the page.

The check is one transaction that changes nothing (importchecks.check); after each batch, a thread
with its own connection writes what was found so far. A killed worker's check begins anew after the
lease. The check ends early if its pages are closed, the choices change, or the import is started or
cancelled: then its row is not ours any more.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from contacts.batches import Reject, RowBatch
from contacts.checkmodels import ImportCheck
from contacts.exceptions import ContactsError
from contacts.models import Import
from contacts.queries import importlines, turns
from contacts.services import (
    checkedlines,
    importchecks,
    importhints,
    importrun,
    jobs,
    leases,
    statuswords,
)
from contacts.services.checkedlines import REASON, CheckedLines
from contacts.services.importchecks import Check, Checking
from contacts.services.importhints import DomainTally
from contacts.services.importlayout import layout_of
from contacts.statuswords import WordCounts
from environment import logs

log = logs.get(__name__)

LEASE = importrun.LEASE
# Longer than any file takes. A worker that hangs loses its check then.
MOST_SECONDS = 6 * 3600
# Checks that are read at once: a long file keeps a process of the queue `work`, which has two by
# default, and imports and jobs need the other.
AT_ONCE = 1
# A page asks each two seconds, but browsers slow pages in the background to one request a minute.
LEFT = timedelta(minutes=3)
# An older result is found anew when its page is opened: contacts change meanwhile.
FRESH = timedelta(hours=1)
# Rejected lines of each reason that are kept for their page.
OF_REASON = 100
# Kinds of lines that are kept; those of hints are known only when DNS has answered.
KEPT = (*importlines.JUDGED, checkedlines.REJECTED)
Enqueue = Callable[[int], Any]


class CheckLostError(ContactsError):
    """Nobody waits for this check any more, or another worker has it."""


def basis_of(import_: Import) -> str:
    """A digest of everything that a person has said about the file."""
    remembered = statuswords.remembered(import_.workspace_id)
    said = [importchecks.choices_of(import_), import_.answers, statuswords.stored(remembered)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def current(import_: Import) -> ImportCheck | None:
    """The check with the present choices, under way or ended a short while ago."""
    found = ImportCheck.objects.filter(of_import=import_, basis=basis_of(import_)).first()
    if found is None or (found.ended_at and found.ended_at < timezone.now() - FRESH):
        return None
    return found


@transaction.atomic
def begin(import_: Import, first: Check, *, enqueue: Enqueue) -> ImportCheck:
    """Have a worker read the whole file. `first`: what its first lines gave, which is shown until
    the worker has read more. Of two pages that ask for the same, the second finds the first's."""
    Import.objects.select_for_update().get(pk=import_.pk)
    if there := current(import_):
        return there
    begun, _made = ImportCheck.objects.update_or_create(
        of_import=import_,
        defaults={
            "basis": basis_of(import_),
            "state": ImportCheck.State.READING,
            "found": _stored(first),
            "lines": {},
            "asked_at": timezone.now(),
            "leased_until": None,
            "holder": "",
            "ended_at": None,
        },
    )
    transaction.on_commit(lambda: jobs.nudge(enqueue, import_.pk))
    return begun


def asked(check: ImportCheck, *, enqueue: Enqueue) -> None:
    """A page waits for it. If it was left meanwhile, a worker begins it anew."""
    now = timezone.now()
    left = check.asked_at < now - LEFT
    ImportCheck.objects.filter(pk=check.pk, state=ImportCheck.State.READING).update(asked_at=now)
    if left:
        jobs.nudge(enqueue, check.pk)


def stop(import_: Import) -> bool:
    """A person decides by the lines that were read so far."""
    reading = ImportCheck.objects.filter(of_import=import_, state=ImportCheck.State.READING)
    stopped = reading.update(
        state=ImportCheck.State.ENDED, leased_until=None, holder="", ended_at=timezone.now()
    )
    return bool(stopped)


def again(import_: Import) -> None:
    """Forget the result, so that the page finds it anew."""
    ImportCheck.objects.filter(of_import=import_).delete()


def is_reading(import_: Import) -> bool:
    """Whether a worker, or the wait for one, is between the person and the whole result."""
    found = current(import_)
    return found is not None and found.state == ImportCheck.State.READING


def result(check: ImportCheck, import_: Import) -> Check:
    """What was found so far."""
    found = check.found
    return Check(
        counts=found["counts"],
        samples=found["samples"],
        rejects=[Reject._make([*one, []]) for one in found["rejects"]],
        reasons=found["reasons"],
        words=WordCounts(found["words"]),
        whole=found["whole"],
        read=found["read"],
        layout=layout_of(import_),
        domains=DomainTally(),
        tags=found["tags"],
    )


def lines(import_: Import, kind: str) -> CheckedLines | None:
    """The first lines that a number of the whole check counts; None: they must be read."""
    check = current(import_)
    if check is None or kind not in check.lines:
        return None
    rows, rejects, more = check.lines[kind]
    return CheckedLines(rows, [Reject._make([*one, []]) for one in rejects], more)


def _stored(check: Check) -> dict[str, Any]:
    return {
        "counts": check.counts,
        "samples": check.samples,
        "rejects": [_kept_reject(one) for one in check.rejects],
        "reasons": check.reasons,
        "words": check.words.stored(),
        "whole": check.whole,
        "read": check.read,
        "tags": check.tags,
    }


def _kept_reject(reject: Reject) -> list[Any]:
    """Without its cells, and only as much of its value as the page shows."""
    return [reject.line, reject.reason, reject.kept, reject.value[:200]]


# The worker --------------------------------------------------------------------------------------


def run(import_id: int) -> bool:
    """Read the file and keep what is found. Returns whether it was read to its end. If the database
    is away, it raises, and the sweeper has it read again after the lease. Safe to run twice."""
    check = _claimed(import_id)
    if check is None:
        return False
    import_ = check.of_import
    try:
        with leases.renewed(_ours(check), LEASE, most=MOST_SECONDS), _kept(check) as keeping:
            found = importchecks.check(import_, rows=None, watch=keeping.after)
            importhints.keep(import_, found.domains)
            keeping.end(found)
    except CheckLostError:
        _release(check)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("whole check failed", **importrun.named(import_))
        _ours(check).update(
            state=ImportCheck.State.FAILED, leased_until=None, ended_at=timezone.now()
        )
    else:
        return True
    return False


@transaction.atomic
def _claimed(import_id: int) -> ImportCheck | None:
    """The check, ours from now on; None if nobody waits for it, another worker has it, or as many
    as may be are read."""
    turns.wait("check")
    if ImportCheck.objects.filter(_wanted(), leased_until__gt=timezone.now()).count() >= AT_ONCE:
        return None
    holder = secrets.token_hex(8)
    claimed = ImportCheck.objects.filter(_due(), pk=import_id).update(
        holder=holder, leased_until=timezone.now() + LEASE
    )
    if not claimed:
        return None
    checks = ImportCheck.objects.select_related("of_import")
    check = checks.filter(pk=import_id, holder=holder).first()
    if check and check.basis != basis_of(check.of_import):
        _release(check)
        return None
    return check


def _wanted() -> Q:
    return Q(
        state=ImportCheck.State.READING,
        of_import__state=Import.State.READY,
        asked_at__gt=timezone.now() - LEFT,
    )


def _due() -> Q:
    free = Q(leased_until=None) | Q(leased_until__lt=timezone.now())
    return free & _wanted()


def due() -> list[int]:
    """Imports whose check no worker reads."""
    rows = ImportCheck.objects.filter(_due()).order_by("asked_at")
    return list(rows.values_list("pk", flat=True)[:AT_ONCE])


def _ours(check: ImportCheck) -> QuerySet[ImportCheck]:
    return ImportCheck.objects.filter(
        pk=check.pk, holder=check.holder, basis=check.basis, state=ImportCheck.State.READING
    )


def _release(check: ImportCheck) -> None:
    _ours(check).update(leased_until=None)


class _Keeping:
    """Writes what a check finds. `thread`: its connection sees and commits, while the check's own
    transaction is open."""

    def __init__(self, check: ImportCheck, thread: ThreadPoolExecutor) -> None:
        self._check = check
        self._thread = thread
        self._lines = {kind: CheckedLines() for kind in KEPT}

    def after(self, checking: Checking, batch: RowBatch) -> None:
        """Write the figures after a batch. Raises CheckLostError."""
        for reason in {reject.reason for reject in batch.rejects}:
            self._lines.setdefault(REASON + reason, CheckedLines())
        for kind, found in self._lines.items():
            checkedlines.add(found, batch, kind)
        self._write(found=_stored(checking.result(whole=False)))

    def end(self, found: Check) -> None:
        """Raises CheckLostError."""
        now = timezone.now()
        self._write(
            state=ImportCheck.State.ENDED,
            found=_stored(found),
            lines={kind: _kept_lines(kind, one) for kind, one in self._lines.items()},
            leased_until=None,
            ended_at=now,
        )

    def _write(self, **values: Any) -> None:
        rows = _ours(self._check).filter(_wanted())
        if not self._thread.submit(rows.update, **values).result():
            raise CheckLostError


def _kept_lines(kind: str, found: CheckedLines) -> list[Any]:
    most = OF_REASON if kind.startswith(REASON) else checkedlines.SHOWN
    rejects = [_kept_reject(one) for one in found.rejects[:most]]
    return [found.rows, rejects, found.more or len(found.rejects) > most]


@contextmanager
def _kept(check: ImportCheck) -> Iterator[_Keeping]:
    with ThreadPoolExecutor(1, "check-writer") as thread:
        try:
            yield _Keeping(check, thread)
        finally:
            thread.submit(connections.close_all).result()
