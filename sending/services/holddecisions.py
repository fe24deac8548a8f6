"""A person's decisions about a run of refusals: try the refused messages again, keep them as
failed, wait until tomorrow, or drop the rest. No address is suppressed because of such a run."""

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

# The kind of job that tries the messages of a run again.
RETRY_JOB = "retry_run"


def retry(one: Hold, by: User | None = None) -> retrying.Retried | Job:
    """Sets the refused messages of the run back to waiting (many by a job), and releases the lane
    or the mailing. A stopped relay is started on its own page."""
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
    """The refused messages stay failed; the lane or the mailing is released."""
    verdicts.doubt(heldpeople.refused_in(one))
    _go_on(one, Decision.KEPT)


def drop(one: Hold) -> None:
    """Drops the rest of the lane, which is skipped when it is claimed; or, for a mail that does not
    fit the relay, drops such mails and goes on."""
    verdicts.doubt(heldpeople.refused_in(one))
    if one.kind == Kind.LANE:
        Hold.objects.filter(pk=one.pk).update(decision=Decision.DROPPED, until=None)
        _log(one, Decision.DROPPED)
        due_again([one.mailing_id])
    else:
        _go_on(one, Decision.DROPPED)


def wait_until_tomorrow(one: Hold) -> datetime:
    """Releases the hold in a day, with a new count. Returns that time."""
    until = clock.now() + timedelta(days=1)
    active(pk=one.pk).update(until=until)
    _log(one, "wait", until=until)
    return until


def release_due() -> int:
    """Releases holds whose waiting time is over. Returns how many."""
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
        # A relay's hold ends when a person who may manage relays starts the relay.
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
