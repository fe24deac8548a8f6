"""What a person decides about a run of refusals: try again what was refused, keep it as failed,
wait until tomorrow, or drop the rest. Nobody is suppressed because of such a run."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contacts.models import Job
from contacts.services import jobs
from environment import logs
from relays.queries import clock
from sending.models import Hold, Mailing, RefusalCount
from sending.services import heldpeople, mailings, retrying, verdicts
from sending.services.holds import Decision, Kind, active, due_again

log = logs.get(__name__)

# The kind of job that has the people of a run tried again.
RETRY_JOB = "retry_run"


def retry(one: Hold, by: User | None = None) -> retrying.Retried | Job:
    """What was refused in the run waits again (many by a job), and what it had stopped goes on: the
    lane or the mailing. A relay that was stopped is started where relays are."""
    mailing = Mailing.objects.get(pk=one.mailing_id)
    if mailing.state == Mailing.State.CANCELLED:
        return retrying.Retried()
    rows = heldpeople.refused_in(one)
    retried: retrying.Retried | Job
    if jobs.is_large(rows):
        given = {"hold": one.pk, "mailing": mailing.pk, "source": mailing.source.as_json()}
        retried = jobs.start(mailing.workspace, RETRY_JOB, given, by=by)
    else:
        retried = retrying.retry_failed(mailing, rows, by=by)
    _go_on(one, Decision.RETRIED)
    return retried


def keep(one: Hold) -> None:
    """What was refused stays failed, and what the run had stopped goes on."""
    verdicts.doubt(heldpeople.refused_in(one))
    _go_on(one, Decision.KEPT)


def drop(one: Hold) -> None:
    """The rest of the lane is skipped when its turn comes, or all whose mail is too large."""
    verdicts.doubt(heldpeople.refused_in(one))
    if one.kind == Kind.LANE:
        Hold.objects.filter(pk=one.pk).update(decision=Decision.DROPPED, until=None)
        _log(one, Decision.DROPPED)
        due_again([one.mailing_id])
    else:
        _go_on(one, Decision.DROPPED)


def wait_until_tomorrow(one: Hold) -> datetime:
    """It goes on by itself a day from now, with a new count."""
    until = clock.now() + timedelta(days=1)
    active(pk=one.pk).update(until=until)
    _log(one, "wait", until=until)
    return until


def release_due() -> int:
    """Lets go on what was to wait until now; how many."""
    due = active(until__lte=clock.now()).exclude(decision=Decision.DROPPED)
    rows = list(due)
    for one in rows:
        _go_on(one, one.decision)
    return len(rows)


def _log(one: Hold, decision: str, *, until: datetime | None = None) -> None:
    log.committed.info(
        "held run decided",
        mailing=one.mailing_id,
        relay=one.relay_id,
        kind=one.kind,
        lane=one.lane or None,
        decision=decision or None,
        until=until,
    )


def _go_on(one: Hold, decision: str) -> None:
    with transaction.atomic():
        # A relay is started by who may manage relays; its hold ends then.
        if one.kind != Kind.RELAY:
            active(pk=one.pk).update(released_at=timezone.now())
        Hold.objects.filter(pk=one.pk).update(decision=decision)
        if one.kind == Kind.LANE:
            counts = RefusalCount.objects.filter(mailing=one.mailing_id, relay=one.relay_id)
            counts.filter(lane=one.lane).delete()
    due_again([one.mailing_id])
    _log(one, decision)
    if one.kind == Kind.MAILING:
        mailings.resume(Mailing.objects.get(pk=one.mailing_id))
