"""Jobs: work on many rows in committed batches, outside of requests.

A request about a few rows does the work itself; about many it only starts a job (`is_large`,
`start`). A worker claims the job with a lease and a random name (`holder`). A batch is committed
only while the job is running, claimed by us and stands where the batch began. So after kill -9 the
job goes on from its last commit, two workers never do a batch twice, and a cancel stops it within
one batch. Locks last as long as one batch: other people's changes wait for that and no longer.

Which rows: those that fit when their batch comes, up to the highest id at the start (`last`).
Whoever is added after the start is never touched.
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
from environment import logs

log = logs.get(__name__)

State = Job.State
ACTIVE = (State.QUEUED, State.RUNNING)
# So many rows at most are changed by a request itself.
SMALL = 2_000
BATCH = 5_000
LEASE = timedelta(seconds=60)
# How long what a job did can be taken back.
UNDO_FOR = timedelta(days=1)
# A row that the batch refers to was deleted meanwhile, or two transactions waited for each other:
# the batch is tried again so many times.
TRIES = 5
PASSING = {"23503", "40P01", "40001"}


def _nobody(pk: int) -> object:
    raise LookupError(f"nobody was named to tell of job {pk}")


_tell_worker: Callable[[int], object] = _nobody


def use_worker(tell: Callable[[int], object]) -> None:
    """`tell`: asks a worker to run the job with this number. The task imports this module, so that
    this module can't import the task."""
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
    """The job that does this, and a worker is told. One that does the same already is returned."""
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
    """The row is the truth: without the broker the sweeper finds the job, or the import."""
    try:
        tell(pk)
    except BrokerError as error:
        log.warning("no worker was told", number=pk, error=error)


def cancel(job: Job) -> bool:
    """Stop it; what is done stays. False when it is over, or must not stop half-way."""
    if not jobkinds.of(job).may_cancel:
        return False
    cancelled = Job.objects.filter(pk=job.pk, state__in=ACTIVE).update(
        state=State.CANCELLED, finished_at=timezone.now(), leased_until=None
    )
    if cancelled:
        log.committed.info("job cancelled", **_named(job))
    return bool(cancelled)


def may_undo(job: Job) -> bool:
    """A job that has ended, also half-way, can be taken back once within a day."""
    return (
        jobkinds.of(job).undo is not None
        and job.finished_at is not None
        and job.undone_at is None
        and job.counts.get("changed", 0) > 0
        and job.finished_at > timezone.now() - UNDO_FOR
    )


@transaction.atomic
def undo(job: Job, *, by: User | None) -> Job | None:
    """The job that takes this one back; None when that is not possible (any more)."""
    locked = Job.objects.select_for_update().get(pk=job.pk)
    take_back = jobkinds.of(locked).undo
    if take_back is None or not may_undo(locked):
        return None
    Job.objects.filter(pk=locked.pk).update(undone_at=timezone.now())
    log.committed.info("job taken back", **_named(locked), user=by and by.pk)
    return take_back(locked, by)


def go_on(job: Job) -> bool:
    """A job that failed goes on where it stopped."""
    try:
        with transaction.atomic():
            moved = Job.objects.filter(pk=job.pk, state=State.FAILED, undone_at=None).update(
                state=State.QUEUED, error="", finished_at=None
            )
    except IntegrityError:  # the same was started anew
        return False
    if moved:
        transaction.on_commit(lambda: nudge(_tell_worker, job.pk))
    return bool(moved)


def due() -> list[int]:
    """Jobs that no worker has: queued, or running with a lease that ran out."""
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

    Other work gets its turn in between: the caller asks again. A database that is away raises, and
    the sweeper resumes the job later; anything else that goes wrong ends it with its reason.
    """
    job = claim(job_id)
    if job is None:
        return False
    try:
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
    """Change a batch of rows and move the job behind it, all or nothing."""
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
