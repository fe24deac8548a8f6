"""Work on many messages that a person asks for: in batches, and nobody is mailed after a cancel."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from campaigns.models import Campaign
from contacts import tasks
from contacts.models import Job, Suppression
from contacts.services import jobs
from relays.models import Relay
from sending.models import Event, Hold, Mailing, Message
from sending.queries.claim import claim
from sending.queries.record import Result, record
from sending.services import dispatch, holddecisions, holds, mailings, retrying
from tests.contacts.jobscene import finish, kill_in_the_middle
from tests.sending.engine.conftest import assert_closes
from tests.sending.engine.test_claim import accept, ids, take

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
State = Message.State
PEOPLE = [f"p{n:02}@{domain}" for n in range(20) for domain in ("qq.com", "x.example")]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request changes three rows at most itself; no broker is told."""
    monkeypatch.setattr(jobs, "SMALL", 3)
    monkeypatch.setattr(tasks.run_job, "delay", lambda _id: None)


def job_of(kind: str) -> Job:
    return Job.objects.get(kind=kind)


# Cancelled ---------------------------------------------------------------------------------------


@pytest.fixture
def cancelled(open_to: Open, relay: Relay) -> Mailing:
    """Of 40 people one was accepted, four are claimed by a worker, and the others wait in all three
    places when it is cancelled."""
    mailing = open_to(PEOPLE)
    back, tried, claimed = take(mailing, relay, 6), take(mailing, relay, 5), take(mailing, relay, 4)
    record(back, accept(ids(back)[:1]))
    due = timezone.now() + timedelta(hours=1)
    record(tried, [Result(n, State.WAITING, "transient", "451", due) for n in ids(tried)])
    assert claimed.messages
    assert mailings.cancel(mailing)
    return mailing


def test_a_cancel_sets_the_state_and_leaves_the_rows_to_a_job(
    cancelled: Mailing, relay: Relay
) -> None:
    tally = assert_closes(cancelled)
    assert (tally.accepted, tally.in_flight, tally.waiting, tally.skipped) == (1, 4, 35, 0)
    assert cancelled.state == Mailing.State.CANCELLED
    assert claim(cancelled, relay, holder="here:two", limit=100) is None
    assert dispatch.relays_to_run() == {}
    job = job_of("drop_cancelled")
    closed: list[int] = []
    jobs.run(job.pk, size=3, progress=lambda _job: closed.append(assert_closes(cancelled).skipped))
    assert len(closed) > 8
    tally = assert_closes(cancelled)
    assert (tally.in_flight, tally.waiting, tally.skipped) == (4, 0, 35)
    job.refresh_from_db()
    assert (job.state, job.total, job.done) == (Job.State.FINISHED, 35, 35)


def test_a_worker_that_dies_while_it_skips_loses_and_doubles_nothing(cancelled: Mailing) -> None:
    job = job_of("drop_cancelled")
    kill_in_the_middle(job, 14)
    assert_closes(cancelled)
    Job.objects.update(leased_until=timezone.now())
    finish(job)
    tally = assert_closes(cancelled)
    assert (job.state, tally.waiting, tally.skipped) == (Job.State.FINISHED, 0, 35)
    assert set(Message.objects.filter(state=State.SKIPPED).values_list("reason", flat=True)) == {
        "cancelled"
    }


def test_what_comes_back_after_the_cancel_is_skipped(cancelled: Mailing) -> None:
    finish(job_of("drop_cancelled"))
    batch = cancelled.batches.get()
    type(batch).objects.update(leased_until=timezone.now() - timedelta(hours=1), holder="")
    tally = cancelled.tally
    type(tally).objects.update(waiting=4, in_flight=0)
    dispatch.tend_mailings()
    tally = assert_closes(cancelled)
    assert (tally.waiting, tally.skipped) == (0, 39)


def test_the_tick_goes_on_when_the_job_failed_and_leaves_it_alone_while_it_works(
    cancelled: Mailing,
) -> None:
    mailings.tend_cancelled()
    assert assert_closes(cancelled).waiting == 35
    Job.objects.update(state=Job.State.FAILED, finished_at=timezone.now())
    for _tick in range(3):
        mailings.tend_cancelled()
    assert assert_closes(cancelled).waiting == 0


def test_few_are_skipped_at_once(open_to: Open) -> None:
    mailing = open_to(PEOPLE[:3])
    mailings.cancel(mailing)
    assert not Job.objects.exists()
    assert assert_closes(mailing).skipped == 3


# Unknown -----------------------------------------------------------------------------------------


@pytest.fixture
def unknown(open_to: Open, relay: Relay) -> Mailing:
    """Of 40 people the result of 39 is not known, and one was taken."""
    mailing = open_to(PEOPLE)
    claimed = take(mailing, relay)
    lost = [Result(n, State.UNKNOWN, "worker_lost") for n in ids(claimed)[1:]]
    record(claimed, [*accept(ids(claimed)[:1]), *lost])
    dispatch.tend_mailings()
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.FINISHED
    Campaign.objects.create(
        workspace=mailing.workspace, name="Spring", state="started", mailing=mailing
    )
    return mailing


def settle(client: Client, verb: str, **given: str) -> Job:
    campaign = Campaign.objects.get()
    answer = client.post(reverse(verb, args=["brand", campaign.pk]), given, follow=True)
    assert "one batch after the other" in answer.content.decode()
    return Job.objects.get()


def test_many_are_sent_again_by_a_job_once(
    unknown: Mailing, owner_client: Client, relay: Relay
) -> None:
    job = settle(owner_client, "resend_unknown", scope="all")
    assert assert_closes(unknown).unknown == 39
    assert settle(owner_client, "resend_unknown", scope="all") == job
    kill_in_the_middle(job, 14)
    assert assert_closes(unknown).waiting == 14
    Job.objects.update(leased_until=timezone.now())

    def lose_again(_job: Job) -> None:
        claimed = claim(unknown, relay, holder="here:two", limit=100)
        assert claimed is not None
        record(claimed, [Result(n, State.UNKNOWN, "worker_lost") for n in ids(claimed)])

    jobs.run(job.pk, size=7, progress=lose_again)
    job.refresh_from_db()
    # Those that were lost anew are not sent a third time.
    assert (job.state, job.counts) == (Job.State.FINISHED, {"changed": 39})
    unknown.refresh_from_db()
    assert unknown.state == Mailing.State.SENDING
    tally = assert_closes(unknown)
    assert (tally.unknown, tally.waiting, tally.accepted) == (39, 0, 1)


def test_many_of_a_result_count_as_sent_by_a_job(unknown: Mailing, owner_client: Client) -> None:
    job = settle(owner_client, "count_unknown_as_sent", all="1", query="domain=x.example")
    finish(job)
    rows = Message.objects.filter(state=State.UNKNOWN)
    assert all(address.endswith("@qq.com") for address in rows.values_list("address", flat=True))
    tally = assert_closes(unknown)
    assert tally.accepted == job.counts["changed"] + 1
    assert tally.unknown == rows.count()
    assert unknown.state == Mailing.State.FINISHED


def test_a_cancel_meanwhile_leaves_the_rest_unknown(unknown: Mailing, owner_client: Client) -> None:
    job = settle(owner_client, "resend_unknown", scope="all")

    def cancel(_job: Job) -> None:
        unknown.refresh_from_db()
        mailings.cancel(unknown)

    jobs.run(job.pk, size=7, progress=cancel)
    finish(job_of("drop_cancelled"))
    tally = assert_closes(unknown)
    assert (tally.unknown, tally.waiting, tally.skipped) == (32, 0, 7)


# Tried again -------------------------------------------------------------------------------------


@pytest.fixture
def failed(open_to: Open, relay: Relay) -> Mailing:
    """Everybody failed, and each address is suppressed because of it."""
    mailing = open_to(PEOPLE)
    claimed = take(mailing, relay)
    record(claimed, [Result(n, State.FAILED, "address", "550 5.1.1") for n in ids(claimed)])
    Suppression.objects.bulk_create(
        [
            Suppression(
                workspace=mailing.workspace,
                kind="address",
                value=address,
                reason="hard_bounced",
                **mailing.source.columns,
            )
            for address in PEOPLE
        ]
    )
    now = timezone.now()
    Event.objects.bulk_create(
        [
            Event(mailing=mailing, message_id=message.id, kind="hard_bounced", at=now)
            for message in claimed.messages
        ]
    )
    Message.objects.update(bounced_at=now)
    type(mailing.tally).objects.update(bounced=len(PEOPLE), hard_bounced=len(PEOPLE))
    Campaign.objects.create(
        workspace=mailing.workspace, name="Spring", state="started", mailing=mailing
    )
    return mailing


@pytest.fixture
def retry_job(failed: Mailing, owner_client: Client) -> Job:
    campaign = Campaign.objects.get()
    url = reverse("retry_failed", args=["brand", campaign.pk])
    answer = owner_client.post(url, {"query": "state=failed", "confirmed": "1"})
    assert answer.status_code == 302
    assert assert_closes(failed).waiting == 0
    return job_of("retry_failed")


def test_all_that_failed_are_tried_again_by_a_job(failed: Mailing, retry_job: Job) -> None:
    waited: list[int] = []
    jobs.run(
        retry_job.pk, size=7, progress=lambda _job: waited.append(assert_closes(failed).waiting)
    )
    assert waited == [7, 14, 21, 28, 35, 40]
    tally = assert_closes(failed)
    assert (tally.waiting, tally.failed, tally.bounced, tally.hard_bounced) == (40, 0, 0, 0)
    assert not Suppression.objects.filter(lifted_at=None).exists()
    retry_job.refresh_from_db()
    assert retry_job.counts == {"changed": 40, "skipped": 0, "suppressions": 40}
    assert retry_job.created_by == User.objects.get()


def test_a_worker_that_dies_while_it_retries_loses_and_doubles_nothing(
    failed: Mailing, retry_job: Job
) -> None:
    kill_in_the_middle(retry_job, 14)
    assert assert_closes(failed).waiting == 14
    Job.objects.update(leased_until=timezone.now())
    finish(retry_job)
    tally = assert_closes(failed)
    assert (retry_job.state, tally.waiting, tally.bounced) == (Job.State.FINISHED, 40, 0)
    assert retry_job.counts["changed"] == 40


def test_who_fails_again_meanwhile_is_not_tried_for_ever(
    failed: Mailing, retry_job: Job, relay: Relay
) -> None:
    def fail_again(_job: Job) -> None:
        claimed = claim(failed, relay, holder="here:two", limit=100)
        assert claimed is not None
        record(claimed, [Result(n, State.FAILED, "policy", "550") for n in ids(claimed)])

    jobs.run(retry_job.pk, size=7, progress=fail_again)
    retry_job.refresh_from_db()
    assert (retry_job.state, retry_job.counts["changed"]) == (Job.State.FINISHED, 40)


def test_a_cancel_ends_it(failed: Mailing, retry_job: Job) -> None:
    jobs.run(retry_job.pk, size=7, seconds=0)
    assert mailings.cancel(Mailing.objects.get(pk=failed.pk))
    finish(retry_job)
    finish(job_of("drop_cancelled"))
    tally = assert_closes(failed)
    assert (tally.waiting, tally.skipped, tally.failed) == (0, 7, 33)


def test_a_run_of_many_is_taken_back_by_a_job(failed: Mailing, relay: Relay, owner: User) -> None:
    run = Hold.objects.create(
        mailing=failed,
        relay=relay,
        kind=Hold.Kind.RELAY,
        reason="refused",
        since=timezone.now() - timedelta(hours=1),
        refused=40,
        decided=40,
    )
    assert isinstance(holddecisions.retry(run, owner), Job)
    finish(job_of("retry_run"))
    assert assert_closes(failed).waiting == 40
    assert not retrying.retry_failed(failed).messages


# Put off -----------------------------------------------------------------------------------------


def test_many_that_were_put_off_are_due_again(open_to: Open, relay: Relay) -> None:
    mailing = open_to(PEOPLE)
    claimed = take(mailing, relay)
    later = timezone.now() + timedelta(hours=20)
    record(claimed, [Result(n, State.WAITING, holds.HELD, due_at=later) for n in ids(claimed)])
    holds.due_again([mailing.pk])
    assert holds.put_off(mailing.pk).count() == 37
    finish(job_of("due_again"))
    assert not holds.put_off(mailing.pk).exists()
    assert assert_closes(mailing).waiting == 40
