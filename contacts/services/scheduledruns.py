"""A run of a scheduled import, held by one worker: claimed, and ended with a reason.

The row is claimed with a lease and a random name (`holder`). What a worker writes counts only while
the run is still its own, so that two workers never import the same file.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from contacts.exceptions import ContactsError
from contacts.models import Import
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import importrun, unfinished
from environment import logs

log = logs.get(__name__)

LEASE = importrun.LEASE
# Runs of a schedule that are kept in any case, and for how long the others are.
KEPT, KEEP = 100, timedelta(days=365)
# Runs that are dropped at once.
DROPPED = 5_000
# A fetch that failed for the moment is tried again so soon, and so often.
SOON = timedelta(minutes=15)
TIMES = 3


class RunLostError(ContactsError):
    """The run was deleted, or another worker has it: this one must stop."""


def claim(run_id: int, state: str) -> ScheduledRun | None:
    """The run, ours from now on; None if it is in another state or another worker has it."""
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    holder = secrets.token_hex(8)
    claimed = ScheduledRun.objects.filter(free, pk=run_id, state=state).update(
        holder=holder, leased_until=now + LEASE
    )
    if not claimed:
        return None
    runs = ScheduledRun.objects.select_related("schedule__workspace", "schedule__confirmed")
    return runs.filter(pk=run_id, holder=holder).first()


def is_held(run: ScheduledRun) -> bool:
    """Whether a worker has it."""
    return run.leased_until is not None and run.leased_until > timezone.now()


def ours(run: ScheduledRun) -> QuerySet[ScheduledRun]:
    return ScheduledRun.objects.filter(pk=run.pk, state=run.state, holder=run.holder)


def move(run: ScheduledRun, state: str, **values: object) -> None:
    """To another state, if it is ours. Raises RunLostError."""
    over = state not in {ScheduledRun.State.FETCHING, ScheduledRun.State.JUDGING}
    ended = timezone.now() if over else None
    changed = ours(run).update(state=state, leased_until=None, ended_at=ended, **values)
    if not changed:
        raise RunLostError
    run.state = state


@transaction.atomic
def unchanged(run: ScheduledRun) -> None:
    """The file is the one that was imported last."""
    ScheduledImport.objects.filter(pk=run.schedule_id).update(failures=0)
    move(run, ScheduledRun.State.UNCHANGED)
    drop_file(run)


@transaction.atomic
def fail(run: ScheduledRun, code: str, words: str = "", *, temporary: bool = False) -> None:
    """End it with the reason. Nothing of its file is kept. Raises RunLostError."""
    schedule = ScheduledImport.objects.select_for_update().get(pk=run.schedule_id)
    move(run, ScheduledRun.State.FAILED, reasons=[[code, words]])
    drop_file(run)
    if code != "cancelled":  # by a person, who knows
        schedule.failures = min(schedule.failures + 1, 1000)
    soon = timezone.now() + SOON
    again = temporary and schedule.failures <= TIMES
    if again and schedule.next_at and schedule.next_at > soon:
        schedule.next_at = soon
    schedule.save(update_fields=["failures", "next_at"])
    log.committed.warning(
        "scheduled import failed",
        schedule=schedule.pk,
        workspace=schedule.workspace_id,
        reason=code,
        words=words,
    )


def cancel(run: ScheduledRun) -> bool:
    """A person ends it while it is fetched or judged; its worker notices that it is lost. Returns
    False if it has ended. Call it in a transaction that holds the schedule."""
    running = {ScheduledRun.State.FETCHING, ScheduledRun.State.JUDGING}
    ended = ScheduledRun.objects.filter(pk=run.pk, state__in=running).update(
        state=ScheduledRun.State.FAILED,
        reasons=[["cancelled", ""]],
        holder="",
        leased_until=None,
        ended_at=timezone.now(),
    )
    if ended:
        run.refresh_from_db()
        drop_file(run)
    return bool(ended)


def drop_old() -> int:
    """Delete runs that are older than a year and not among the last 100 of their schedule; not
    those that have not ended, wait for a person, or have an import that stands. Returns how
    many."""
    standing = Q(of_import__started_at__isnull=False, of_import__undone_at=None)
    going = Q(ended_at=None) | Q(state=ScheduledRun.State.WAITING) & Q(
        of_import__state__in=unfinished.WAITING
    )
    old = ScheduledRun.objects.filter(ended_at__lt=timezone.now() - KEEP)
    old = old.exclude(standing).exclude(going).order_by("pk")
    found = list(old.values_list("pk", "schedule_id")[:DROPPED])
    first = _first_kept({schedule for _pk, schedule in found})
    doomed = [pk for pk, schedule in found if pk < first.get(schedule, 0)]
    dropped, _models = ScheduledRun.objects.filter(pk__in=doomed).delete()
    return dropped


def _first_kept(schedules: Collection[int]) -> dict[int, int]:
    """{schedule: the oldest of its last runs}, of those with more."""
    newer = ScheduledRun.objects.filter(schedule=OuterRef("pk")).order_by("-pk")
    rows = ScheduledImport.objects.filter(pk__in=schedules)
    rows = rows.annotate(first=Subquery(newer.values("pk")[KEPT - 1 : KEPT]))
    return {pk: first for pk, first in rows.values_list("pk", "first") if first is not None}


def drop_file(run: ScheduledRun) -> None:
    """Delete the run's import if it was never started."""
    if run.of_import_id:
        Import.objects.filter(pk=run.of_import_id, state__in=unfinished.WAITING).delete()


def wait(run: ScheduledRun, reasons: Sequence[Sequence[str]]) -> None:
    """For a person, who sees the reasons. Raises RunLostError."""
    ScheduledImport.objects.filter(pk=run.schedule_id).update(failures=0)
    move(run, ScheduledRun.State.WAITING, reasons=[list(one) for one in reasons])
