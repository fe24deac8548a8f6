"""Jobs: work on many rows in committed batches, outside requests.

A request about a few rows does the work itself; about many it only starts a job (`is_large`,
`start`). A worker claims the job with a lease and a random name (`holder`), and renews the lease as
long as it works. A batch is committed only while the job is running, claimed by us and stands where
the batch began. So after kill -9 the job goes on from its last commit, two workers never do the
same batch, and a cancel stops it within one batch. Locks last as long as one batch, so that other
changes wait no longer.

A job covers rows that match when their batch comes, up to the highest id at the start (`last`).
Rows added after the start are never touched.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from accounts.models import User, Workspace
from contacts import jobkinds
from contacts.exceptions import ContactsError
from contacts.jobkinds import BatchStep
from contacts.models import Job
from contacts.services import leases
from environment import logs

log = logs.get(__name__)

State = Job.State
ACTIVE = (State.QUEUED, State.RUNNING)
# The most rows that a request changes itself.
SMALL = 2_000
BATCH = 5_000
LEASE = timedelta(seconds=60)
# How long a job can be undone.
UNDO_FOR = timedelta(days=1)
# How often a batch is tried if it fails for a passing reason: a row that it refers to was deleted
# meanwhile, a deadlock, or a serialization failure.
TRIES = 5
PASSING = {"23503", "40P01", "40001"}


def _nobody(pk: int) -> object:
    raise LookupError(f"nobody was named to tell of job {pk}")


_tell_worker: Callable[[int], object] = _nobody


def use_worker(tell: Callable[[int], object]) -> None:
    """Sets `tell`, which asks a worker to run the job with this number. This module can't import
    the task, because the task imports this module."""
    global _tell_worker  # noqa: PLW0603 - set once, when the program starts
    _tell_worker = tell


class JobLostError(ContactsError):
    """The job was cancelled or taken over: this batch must not count."""


def is_large(rows: QuerySet[Any]) -> bool:
    """Whether these are too many for a request."""
    return rows.order_by()[: SMALL + 1].count() > SMALL


def highest(rows: QuerySet[Model]) -> int:
    """The highest id among the rows; 0 when there are none."""
    return rows.order_by("-pk").values_list("pk", flat=True).first() or 0


# Starting and stopping ---------------------------------------------------------------------------


def start(
    workspace: Workspace,
    kind: str,
    parameters: Mapping[str, Any],
    *,
    by: User | None,
    last: int = 0,
) -> Job:
    """Start a job and tell a worker. If an active job does the same, that one is returned."""
    text = json.dumps(parameters, sort_keys=True)
    job, made = Job.objects.get_or_create(
        workspace=workspace,
        kind=kind,
        same=hashlib.sha256(text.encode()).hexdigest()[:32],
        state__in=ACTIVE,
        defaults={"parameters": dict(parameters), "created_by": by, "last": last},
    )
    if made:
        log.committed.info("job started", **_named(job), user=by and by.pk)
    transaction.on_commit(lambda: nudge(_tell_worker, job.pk))
    return job


def _named(job: Job) -> dict[str, object]:
    """For log lines."""
    return {"job": job.pk, "kind": job.kind, "workspace": job.workspace_id}


def nudge(tell: Callable[[int], Any], pk: int) -> None:
    """Tell a worker. Errors of the broker are only logged: the sweeper finds the row of the job or
    import."""
    try:
        tell(pk)
    except BrokerError as error:
        log.warning("no worker was told", number=pk, error=error)


def cancel(job: Job) -> bool:
    """Stop it; finished batches stay. False if it is over, or must not stop half-way."""
    if not jobkinds.of(job).may_cancel:
        return False
    cancelled = Job.objects.filter(pk=job.pk, state__in=ACTIVE).update(
        state=State.CANCELLED, finished_at=timezone.now(), leased_until=None
    )
    if cancelled:
        log.committed.info("job cancelled", **_named(job))
    return bool(cancelled)


def may_undo(job: Job) -> bool:
    """Whether it can be undone: once, within a day after its end, also if it ended half-way."""
    return (
        jobkinds.of(job).undo is not None
        and job.finished_at is not None
        and job.undone_at is None
        and job.counts.get("changed", 0) > 0
        and job.finished_at > timezone.now() - UNDO_FOR
    )


@transaction.atomic
def undo(job: Job, *, by: User | None) -> Job | None:
    """Start the job that undoes this one; None if that is not possible (any more)."""
    locked = Job.objects.select_for_update().get(pk=job.pk)
    take_back = jobkinds.of(locked).undo
    if take_back is None or not may_undo(locked):
        return None
    Job.objects.filter(pk=locked.pk).update(undone_at=timezone.now())
    log.committed.info("job taken back", **_named(locked), user=by and by.pk)
    return take_back(locked, by)


def may_go_on(job: Job) -> bool:
    """Whether it may go on where it stopped: it failed, or a person stopped it and its kind
    allows it."""
    return job.state in _stopped(job) and job.undone_at is None


def _stopped(job: Job) -> tuple[str, ...]:
    return (State.FAILED, State.CANCELLED) if jobkinds.of(job).resumes else (State.FAILED,)


def go_on(job: Job) -> bool:
    """Let a job go on where it stopped. False if it may not, or does already."""
    stopped = Job.objects.filter(pk=job.pk, state__in=_stopped(job), undone_at=None)
    try:
        with transaction.atomic():
            moved = stopped.update(state=State.QUEUED, error="", finished_at=None)
    except IntegrityError:  # the same was started anew
        return False
    if moved:
        transaction.on_commit(lambda: nudge(_tell_worker, job.pk))
    return bool(moved)


def due() -> list[int]:
    """Jobs without a worker: queued, or running with a lease that ran out."""
    lost = Q(state=State.RUNNING, leased_until__lt=timezone.now())
    rows = Job.objects.filter(Q(state=State.QUEUED) | lost)
    return list(rows.order_by("id").values_list("pk", flat=True))


# Running -----------------------------------------------------------------------------------------


def claim(job_id: int) -> Job | None:
    """The job, claimed by us from now on; None if it isn't due or another worker has it."""
    now = timezone.now()
    free = Q(state=State.QUEUED) | Q(state=State.RUNNING, leased_until__lt=now)
    taken = Job.objects.filter(free, pk=job_id).update(
        state=State.RUNNING, holder=secrets.token_hex(8), leased_until=now + LEASE
    )
    return Job.objects.select_related("workspace", "created_by").get(pk=job_id) if taken else None


def run(
    job_id: int,
    *,
    seconds: float = 20,
    size: int = BATCH,
    progress: Callable[[Job], None] | None = None,
) -> bool:
    """Work on the job for about `seconds`; True when there is more to do.

    The caller calls again, so that other work gets its turn in between. If the database is away, it
    raises, and the sweeper resumes the job later. Any other error ends the job with the reason.
    """
    job = claim(job_id)
    if job is None:
        return False
    try:
        with leases.renewed(_ours(job), LEASE):
            return _work(job, seconds=seconds, size=size, progress=progress)
    except JobLostError:
        log.info("job stopped: no longer ours", job=job_id)
    except OperationalError:
        raise
    except Exception as error:
        log.exception("job failed", **_named(job))
        _end(job, State.FAILED, f"{type(error).__name__}: {error}"[:1000])
    return False


def _work(job: Job, *, seconds: float, size: int, progress: Callable[[Job], None] | None) -> bool:
    until = time.monotonic() + seconds
    if job.total is None:
        job.total = jobkinds.of(job).count(job)
        _ours(job).update(total=job.total)
    while not _batch(job, size).over:
        if progress:
            progress(job)
        if time.monotonic() > until:
            _ours(job).update(state=State.QUEUED, leased_until=None)
            return True
    _end(job, State.FINISHED)
    log.info("job finished", **_named(job), rows=job.done)
    return False


def _batch(job: Job, size: int) -> BatchStep:
    """One committed batch. Raises JobLostError."""
    for left in reversed(range(TRIES)):
        try:
            step, counts = _try_batch(job, size)
        except (IntegrityError, OperationalError) as error:
            if not left or getattr(error.__cause__, "sqlstate", "") not in PASSING:
                raise
            log.info("batch of a job is done again", **_named(job), error=error)
        else:
            job.cursor, job.done, job.counts = step.cursor, job.done + step.seen, counts
            return step
    raise AssertionError("the last try returns or raises")


@transaction.atomic
def _try_batch(job: Job, size: int) -> tuple[BatchStep, dict[str, int]]:
    """Change a batch of rows and move the job past it, all or nothing."""
    step = jobkinds.of(job).step(job, size)
    counts = {**job.counts}
    for name, number in step.counts.items():
        counts[name] = counts.get(name, 0) + number
    moved = (
        _ours(job)
        .filter(cursor=job.cursor)
        .update(
            cursor=step.cursor,
            done=job.done + step.seen,
            counts=counts,
            leased_until=timezone.now() + LEASE,
        )
    )
    if not moved:
        raise JobLostError
    return step, counts


def _ours(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, holder=job.holder)


def _end(job: Job, state: str, error: str = "") -> None:
    _ours(job).update(state=state, error=error, finished_at=timezone.now(), leased_until=None)
