"""Failed recipients who are tried again because somebody asked, and what is taken back with it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from campaigns.models import Campaign
from contacts.models import Suppression
from contacts.services.suppressions import suppress
from sending.models import Event, Mailing, Message, TallyMinute
from sending.services import mailings, retrying
from tests.campaigns.test_report import mailing_of
from tests.engine.conftest import assert_closes
from tests.engine.sink import RULES, Sink

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]
State = Message.State
MIXED = ("a@x.example", "reject1@x.example", "reject2@y.example", "spam@y.example")


@pytest.fixture
def failed(start: Start, send: Send) -> Campaign:
    """A campaign that is finished: one recipient accepted, three failed."""
    campaign = start(*MIXED)
    send()
    mailing = mailing_of(campaign)
    assert (mailing.state, mailing.tally.failed) == ("finished", 3)
    return campaign


def rows() -> dict[str, int]:
    return dict(Message.objects.values_list("address", "state"))


def minutes(mailing: Mailing) -> tuple[int, int]:
    sums = TallyMinute.objects.filter(mailing=mailing).aggregate(f=Sum("failed"), b=Sum("bounced"))
    return sums["f"], sums["b"]


def test_failed_recipients_wait_again_and_keep_what_is_known(failed: Campaign) -> None:
    mailing = mailing_of(failed)
    assert retrying.retry_failed(mailing).messages == 3
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.waiting, tally.failed) == (1, 3, 0)
    assert mailing.state == Mailing.State.SENDING
    row = Message.objects.get(address="spam@y.example")
    assert (row.attempts, row.reason, row.settled_at) == (1, "retried", None)
    assert row.reply.startswith("554")


def test_their_suppressions_and_bounces_are_taken_back(failed: Campaign, owner: User) -> None:
    mailing = mailing_of(failed)
    assert Suppression.objects.filter(lifted_at=None).count() == 2
    assert (mailing.tally.hard_bounced, minutes(mailing)) == (2, (3, 2))
    done = retrying.retry_failed(mailing, by=owner)
    assert (done.messages, done.bounces, done.suppressions) == (3, 2, 2)
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert set(Suppression.objects.values_list("lifted_by", flat=True)) == {owner.pk}
    assert not Event.objects.filter(kind=Event.Kind.BOUNCED_HARD).exists()
    assert assert_closes(mailing).hard_bounced == 0
    assert minutes(mailing) == (0, 0)
    assert not Message.objects.exclude(bounced_at=None).exists()


def test_they_are_mailed_once_when_the_server_takes_them(
    failed: Campaign, send: Send, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RULES, "reject", b"250 OK\r\n")
    mailing = mailing_of(failed)
    retrying.retry_failed(mailing)
    send()
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.FINISHED
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.failed) == (3, 1)
    assert minutes(mailing)[0] == 1
    assert sorted(recipient for _, recipient, _ in sink.mails) == [
        "a@x.example",
        "reject1@x.example",
        "reject2@y.example",
    ]


def test_only_those_that_are_chosen(failed: Campaign) -> None:
    mailing = mailing_of(failed)
    chosen = Message.objects.filter(address__endswith="@y.example", reason="address")
    assert retrying.retry_failed(mailing, chosen).messages == 1
    assert rows() == {
        "a@x.example": State.ACCEPTED,
        "reject1@x.example": State.FAILED,
        "reject2@y.example": State.WAITING,
        "spam@y.example": State.FAILED,
    }
    assert Suppression.objects.get(value="reject1@x.example").lifted_at is None


def test_whoever_was_suppressed_by_somebody_else_stays_so(failed: Campaign, send: Send) -> None:
    """The mailing's own suppression is lifted; another one keeps the person from being mailed."""
    mailing = mailing_of(failed)
    suppress(
        mailing.workspace, value="spam@y.example", kind="address", reason="manual", source="page"
    )
    retrying.retry_failed(mailing)
    send()
    row = Message.objects.get(address="spam@y.example")
    assert (row.state, row.reason) == (State.SKIPPED, "suppressed_manual")
    assert_closes(mailing)


def test_accepted_and_unknown_ones_are_never_retried(start: Start, send: Send) -> None:
    campaign = start("a@x.example", "drop@x.example")
    send()
    mailing = mailing_of(campaign)
    assert mailing.tally.unknown == 1
    assert not retrying.retry_failed(mailing, Message.objects.filter(mailing=mailing)).messages
    assert rows() == {"a@x.example": State.ACCEPTED, "drop@x.example": State.UNKNOWN}


def test_another_mailings_messages_are_not_touched(
    failed: Campaign, start: Start, send: Send
) -> None:
    other = start("reject9@z.example", name="Other")
    send()
    assert retrying.retry_failed(mailing_of(failed), Message.objects.all()).messages == 3
    assert rows()["reject9@z.example"] == State.FAILED


def test_of_a_cancelled_mailing_none_is_retried(start: Start, send: Send) -> None:
    campaign = start("reject@x.example", "defer@x.example")
    send()
    mailing = mailing_of(campaign)
    mailings.cancel(mailing)
    assert not retrying.retry_failed(mailing).messages
    assert mailing.state == Mailing.State.CANCELLED


def test_a_paused_mailing_stays_paused(start: Start, send: Send) -> None:
    campaign = start("reject@x.example", "defer@x.example")
    send()
    mailing = mailing_of(campaign)
    mailings.pause(mailing)
    assert retrying.retry_failed(mailing).messages == 1
    assert mailing.state == Mailing.State.PAUSED
    assert_closes(mailing)


def test_a_retried_message_has_as_long_as_at_first(
    start: Start, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mailing is older than its patience: without a new beginning it would fail at once."""
    monkeypatch.setitem(RULES, "reject", b"451 4.3.0 later\r\n")
    campaign = start("reject@x.example")
    mailing = mailing_of(campaign)
    long_ago = timezone.now() - timedelta(days=30)
    Mailing.objects.filter(pk=mailing.pk).update(opened_at=long_ago)
    Message.objects.filter(mailing=mailing).update(attempts=20)
    send()
    row = Message.objects.get()
    assert (row.state, row.reason) == (State.FAILED, "expired")
    retrying.retry_failed(mailing_of(campaign))
    send()
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.WAITING, "transient")
    assert row.retry_at is not None
    assert row.retry_at > timezone.now()


def test_in_pieces(failed: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "AT_ONCE", 1)
    mailing = mailing_of(failed)
    done = retrying.retry_failed(mailing)
    assert (done.messages, done.bounces, done.suppressions) == (3, 2, 2)
    assert_closes(mailing)
