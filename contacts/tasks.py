"""Background work of contacts: ids in, one service call, safe to run twice."""

from celery import shared_task

from contacts.models import Import
from contacts.scheduledmodels import ScheduledRun
from contacts.services import (
    exportfiles,
    importhints,
    importreading,
    importrun,
    imports,
    indexing,
    jobs,
    maildomains,
    scheduledfetch,
    scheduledimports,
    scheduledjudging,
    scheduledruns,
    segmentcounts,
    wholechecks,
)


@shared_task(ignore_result=True)
def run_import(import_id: int) -> None:
    """Work on an import for a while; the rest is queued again, behind other work."""
    if importrun.run(import_id):
        run_import.delay(import_id)


@shared_task(ignore_result=True)
def read_import(import_id: int) -> None:
    """Read an import's packed file."""
    importreading.read(import_id)


@shared_task(ignore_result=True)
def check_import(import_id: int) -> None:
    """Check a whole file."""
    if wholechecks.run(import_id):
        look_up_domains.delay(import_id)


@shared_task(ignore_result=True)
def start_scheduled() -> None:
    """Beat: begin the scheduled imports that are due, and nudge those without a worker."""
    scheduledimports.start_due()
    for run_id in scheduledimports.without_worker(ScheduledRun.State.FETCHING):
        fetch_scheduled.delay(run_id)
    for run_id in scheduledimports.without_worker(ScheduledRun.State.JUDGING):
        judge_scheduled.delay(run_id)


@shared_task(ignore_result=True)
def fetch_scheduled(_run_id: int) -> None:
    """Fetch the file of the scheduled import whose turn it is, which may be another one."""
    run_id = scheduledfetch.fetch_next()
    if run_id is not None:
        judge_scheduled.delay(run_id)


@shared_task(ignore_result=True)
def judge_scheduled(run_id: int) -> None:
    """Import a fetched file, or let it wait for a person."""
    scheduledjudging.judge(run_id, enqueue=run_import.delay)


# How long a look-up waits for others, and how often.
LATER, TIMES = 15, 10


@shared_task(ignore_result=True)
def look_up_domains(import_id: int, times: int = TIMES) -> None:
    """Ask DNS about the domains of a checked file."""
    import_ = Import.objects.filter(pk=import_id).first()
    if import_ and not importhints.look_up(import_) and times:
        look_up_domains.apply_async((import_id, times - 1), countdown=LATER)


@shared_task(ignore_result=True)
def sweep_imports() -> None:
    """Beat: nudge imports without a worker (it died, or a message was lost)."""
    for import_id in imports.due():
        run_import.delay(import_id)
    for import_id in importreading.due():
        read_import.delay(import_id)
    for import_id in wholechecks.due():
        check_import.delay(import_id)


@shared_task(ignore_result=True)
def drop_import_files() -> None:
    """Beat: free the space of files whose imports ended, of exports, and of old answers about
    domains; and forget old fetches."""
    imports.drop_files()
    scheduledruns.drop_old()
    exportfiles.drop_old()
    maildomains.forget_old()


@shared_task(ignore_result=True)
def index_values() -> None:
    """Beat: index the values of attributes that segments ask for, and only those."""
    indexing.fill()
    indexing.drop()


@shared_task(ignore_result=True)
def count_segments() -> None:
    """Beat: count the segments that were not counted today."""
    segmentcounts.tick()


@shared_task(ignore_result=True)
def run_job(job_id: int) -> None:
    """Work on a job for a while; the rest is queued again, behind other work."""
    if jobs.run(job_id):
        run_job.delay(job_id)


def ask_for_job(job_id: int) -> None:
    """Asks a worker to run the job."""
    run_job.delay(job_id)


@shared_task(ignore_result=True)
def sweep_jobs() -> None:
    """Beat: nudge jobs without a worker (it died, or a message was lost)."""
    for job_id in jobs.due():
        run_job.delay(job_id)
