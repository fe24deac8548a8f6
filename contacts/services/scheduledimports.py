"""Imports from an address: made, changed, paused, deleted, and their runs begun. Fetching is in
`scheduledfetch`, what happens to a fetched file in `scheduledjudging`."""

from collections.abc import Callable, Collection
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import secrets
from accounts.models import User, Workspace
from contacts import fetching
from contacts.models import Import
from contacts.recurrence import Recurrence
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import imports, jobs, scheduledaddresses, scheduledruns, unfinished
from environment import logs

log = logs.get(__name__)

MOST = 50
# Schedules that a tick begins to fetch; the next tick takes the others.
AT_ONCE = 200
RUNNING = (ScheduledRun.State.FETCHING, ScheduledRun.State.JUDGING)
# A person can still go on with the file. Who cancelled its import, or let it lie for a week, has
# answered.
WAITING = Q(state=ScheduledRun.State.WAITING, of_import__state__in=unfinished.WAITING)
Enqueue = Callable[[int], Any]


@transaction.atomic
def create(
    workspace: Workspace, *, url: str, secret: str, by: User, enqueue: Enqueue, **values: Any
) -> ScheduledImport:
    """With its first run, whose file a person confirms. `url`: with its query."""
    made = ScheduledImport.objects.create(
        workspace=workspace,
        secret=secrets.encrypt(secret) if secret else None,
        created_by=by,
        **scheduledaddresses.stored(url),
        **values,
    )
    begin(made, by=by, enqueue=enqueue)
    log.committed.info("scheduled import created", **named(made), user=by.pk)
    return made


def named(schedule: ScheduledImport) -> dict[str, int]:
    """Fields for log lines."""
    return {"schedule": schedule.pk, "workspace": schedule.workspace_id}


@transaction.atomic
def change(
    schedule: ScheduledImport, *, url: str, secret: str, moved: bool = False, **values: Any
) -> None:
    """Change the given values; an empty secret keeps the stored one, and the address as it is shown
    keeps its query. `moved`: it is another server now, whose key nobody has confirmed."""
    locked = ScheduledImport.objects.select_for_update().get(pk=schedule.pk)
    if url != scheduledaddresses.shown(locked):
        # What the former address said means nothing here.
        values |= {**scheduledaddresses.stored(url), "etag": "", "modified": ""}
    if moved:
        values |= {"host_key": "", "shown_key": ""}
    if secret:
        values["secret"] = secrets.encrypt(secret)
    elif values["login"] == ScheduledImport.Login.NONE:
        values["secret"] = None
    for name, value in values.items():
        setattr(locked, name, value)
    locked.failures = 0
    locked.next_at = following(locked)
    locked.save()
    schedule.refresh_from_db()


def following(schedule: ScheduledImport) -> Any:
    """When it is fetched next, by its schedule alone; None: never."""
    if schedule.state != ScheduledImport.State.ACTIVE:
        return None
    recurrence = Recurrence(
        schedule.every, schedule.at, schedule.weekday, schedule.workspace.timezone
    )
    return recurrence.following(timezone.now())


@transaction.atomic
def pause(schedule: ScheduledImport, *, paused: bool) -> bool:
    """Pause it, or let it go on. Returns whether that changed anything. A file that is being
    fetched is still imported; cancel its import to prevent that."""
    locked = ScheduledImport.objects.select_for_update().get(pk=schedule.pk)
    states = ScheduledImport.State
    was, becomes = (states.ACTIVE, states.PAUSED) if paused else (states.PAUSED, states.ACTIVE)
    if locked.state != was:
        return False
    locked.state = becomes
    locked.next_at = following(locked)
    locked.save(update_fields=["state", "next_at"])
    log.committed.info("scheduled import switched", **named(locked), state=str(becomes))
    return True


@transaction.atomic
def delete(schedule: ScheduledImport) -> None:
    """Forget it. A file of it that waits is dropped; imports that were started stay."""
    locked = ScheduledImport.objects.select_for_update().get(pk=schedule.pk)
    drop_waiting(locked)
    half = Import.objects.filter(
        scheduled_runs__in=locked.runs.filter(state__in=RUNNING), state__in=unfinished.WAITING
    )
    for import_ in half:
        imports.cancel(import_)
    log.committed.info("scheduled import deleted", **named(locked))
    locked.delete()


def drop_waiting(schedule: ScheduledImport) -> None:
    """Cancel the import of a file that waits for a person."""
    for run in schedule.runs.filter(WAITING).select_related("of_import"):
        if run.of_import:
            imports.cancel(run.of_import)


@transaction.atomic
def run_now(schedule: ScheduledImport, *, by: User, enqueue: Enqueue) -> bool:
    """Fetch it now; a file that waits for a person is dropped. Returns False if it is being fetched
    already."""
    locked = ScheduledImport.objects.select_for_update().get(pk=schedule.pk)
    if locked.runs.filter(state__in=RUNNING).exists():
        return False
    drop_waiting(locked)
    begin(locked, by=by, enqueue=enqueue)
    return True


@transaction.atomic
def cancel_run(schedule: ScheduledImport, *, by: User) -> bool:
    """End the run that is fetched or checked now; returns False if there is none. The next ones
    come as scheduled."""
    locked = ScheduledImport.objects.select_for_update().get(pk=schedule.pk)
    run = locked.runs.filter(state__in=RUNNING).first()
    if run is None or not scheduledruns.cancel(run):
        return False
    log.committed.info("scheduled run cancelled", **named(locked), user=by.pk)
    return True


def begin(schedule: ScheduledImport, *, by: User, enqueue: Enqueue) -> None:
    run = ScheduledRun.objects.create(schedule=schedule, asked_by=by)
    transaction.on_commit(lambda: jobs.nudge(enqueue, run.pk))


@transaction.atomic
def confirm_host_key(
    schedule: ScheduledImport, fingerprint: str, *, by: User, enqueue: Enqueue
) -> bool:
    """A person has compared the key that the server shows; the file is fetched. Returns False if
    the server shows another key by now."""
    locked = ScheduledImport.objects.select_for_update().get(pk=schedule.pk)
    key = locked.shown_key
    if not key or fetching.fingerprint(key) != fingerprint:
        return False
    locked.host_key, locked.shown_key = key, ""
    locked.save(update_fields=["host_key", "shown_key"])
    log.committed.info("host key confirmed", **named(locked), user=by.pk)
    run_now(locked, by=by, enqueue=enqueue)
    return True


@transaction.atomic
def start_due() -> int:
    """Begin a run for each schedule that is due; returns how many. A schedule with a file that
    waits for a person is left out until its next time. Other ticks skip the rows locked here."""
    now = timezone.now()
    due = list(
        ScheduledImport.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state=ScheduledImport.State.ACTIVE, next_at__lte=now, workspace__deleted_at=None)
        .select_related("workspace")
        .order_by("next_at")[:AT_ONCE]
    )
    if not due:
        return 0
    for schedule in due:
        schedule.next_at = following(schedule)
    ScheduledImport.objects.bulk_update(due, ["next_at"])
    busy = _busy(due)
    runs = [ScheduledRun(schedule=one) for one in due if one.pk not in busy]
    ScheduledRun.objects.bulk_create(runs)
    return len(runs)


def _busy(schedules: Collection[ScheduledImport]) -> set[int]:
    runs = ScheduledRun.objects.filter(schedule__in=schedules)
    wanted = runs.filter(WAITING) | runs.filter(state__in=RUNNING)
    return set(wanted.values_list("schedule_id", flat=True))


def without_worker(state: str) -> list[int]:
    """Runs in this state that no worker holds."""
    free = Q(leased_until=None) | Q(leased_until__lt=timezone.now())
    runs = ScheduledRun.objects.filter(free, state=state, schedule__workspace__deleted_at=None)
    return list(runs.order_by("id").values_list("pk", flat=True)[:AT_ONCE])


def of_workspace(workspace: Workspace) -> QuerySet[ScheduledImport]:
    return ScheduledImport.objects.filter(workspace=workspace)


def waiting(workspace: Workspace) -> QuerySet[ScheduledRun]:
    """Runs whose file waits for a person."""
    return ScheduledRun.objects.filter(WAITING, schedule__workspace=workspace).select_related(
        "schedule", "of_import"
    )


def is_importing(run: ScheduledRun) -> bool:
    """Whether the import of its file has started and not ended, of a row that was read with it."""
    states = {Import.State.QUEUED, Import.State.RUNNING}
    file = run.of_import
    return run.state == ScheduledRun.State.STARTED and file is not None and file.state in states


def under_way(schedule: ScheduledImport) -> ScheduledRun | None:
    """The last run, while it is fetched, checked or imported."""
    run = schedule.runs.select_related("of_import").order_by("-pk").first()
    return run if run and (run.state in RUNNING or is_importing(run)) else None


def is_waiting(run: ScheduledRun) -> bool:
    """WAITING, of a row that was read with its import."""
    file = run.of_import
    here = file is not None and file.state in unfinished.WAITING
    return run.state == ScheduledRun.State.WAITING and here


def failing(workspace: Workspace) -> QuerySet[ScheduledRun]:
    """The last run of each schedule whose last fetch failed."""
    schedules = of_workspace(workspace).filter(failures__gt=0)
    schedules = schedules.exclude(state=ScheduledImport.State.PAUSED)
    runs = ScheduledRun.objects.filter(
        schedule__in=schedules, state=ScheduledRun.State.FAILED
    ).select_related("schedule")
    runs = runs.exclude(reasons__0__0="cancelled")
    return runs.order_by("schedule_id", "-pk").distinct("schedule_id")


def run_of(import_: Import) -> ScheduledRun | None:
    """The run that fetched this import's file."""
    return import_.scheduled_runs.select_related("schedule").order_by("-pk").first()
