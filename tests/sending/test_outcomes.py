"""What each class of reply does to the ledger, the suppressions, the relay and the mailing."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from contacts.models import Suppression
from relays.models import Pool, PoolMember, Relay
from sending import retries
from sending.models import Event, Mailing, Message, Tally, TallyMinute
from sending.queries import events
from sending.queries.claim import Claim, claim
from sending.services import mailings, telling, verdicts
from sending.services.outcomes import settle
from smtp import End, Outcome, Stage, refused
from smtp.accepted import Accepted
from smtp.replies import Meaning
from tests.sending.engine.conftest import assert_closes, design, open_to

__all__ = ["design", "open_to"]

pytestmark = pytest.mark.django_db
State = Message.State
Open = Callable[..., Mailing]
GOOD = (250, "2.0.0 taken", Stage.CONTENT)
Said = tuple[int, str, Stage]


@pytest.fixture
def relay(workspace: Workspace) -> Relay:
    return Relay.objects.create(workspace=workspace, name="Main", host="smtp.relay.example")


def people(number: int, domain: str = "x.example") -> list[str]:
    return [f"p{place:04}@{domain}" for place in range(number)]


def spread(number: int) -> list[str]:
    """Each in a domain of their own."""
    return [f"p@d{place:04}.example" for place in range(number)]


def answer(mailing: Mailing, relay: Relay, *said: Said) -> Claim:
    """One batch, answered in the order of its messages."""
    claimed = claim(mailing, relay, holder="here:1", limit=len(said))
    assert claimed is not None
    accepted, outcomes = Accepted(), {}
    for message, (code, words, stage) in zip(claimed.messages, said, strict=True):
        if 200 <= code < 300:
            accepted.add(message.id, message.lane, f"{code} {words}", 0.1)
        else:
            outcomes[message.id] = refused(code, words, stage)
            accepted.refuse(message.id)
    settle(claimed, mailing, relay, outcomes, accepted)
    mailing.refresh_from_db()
    relay.refresh_from_db()
    return claimed


def only(mailing: Mailing) -> Message:
    return Message.objects.get(mailing=mailing)


# The message --------------------------------------------------------------------------------------


def test_an_address_that_does_not_exist_fails_bounces_and_is_suppressed(
    open_to: Open, relay: Relay
) -> None:
    mailing = open_to(people(2))
    answer(mailing, relay, (550, "5.1.1 No such user\x00", Stage.RCPT), GOOD)
    row = Message.objects.get(mailing=mailing, state=State.FAILED)
    assert (row.state, row.reason, row.attempts) == (State.FAILED, "address_pending", 1)
    assert not Suppression.objects.exists()
    verdicts.judge_due()
    row.refresh_from_db()
    assert row.reason == "address"
    assert row.reply == "550 5.1.1 No such user\ufffd"
    assert Event.objects.get().kind == Event.Kind.HARD_BOUNCED
    suppressed = Suppression.objects.get()
    assert (suppressed.value, suppressed.reason) == (row.address, "hard_bounced")
    assert assert_closes(mailing).hard_bounced == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ((550, "Sorry", Stage.CONTENT), "unclear"),
        ((550, "Sorry", Stage.UNKNOWN), "unclear"),
        ((554, "5.7.1 Spam", Stage.CONTENT), "policy"),
        ((552, "5.2.3 Too large for this mailbox", Stage.CONTENT), "too_large"),
    ],
)
def test_a_refused_mail_fails_and_suppresses_nobody(
    open_to: Open, relay: Relay, said: Said, reason: str
) -> None:
    mailing = open_to(people(1))
    answer(mailing, relay, said)
    row = only(mailing)
    assert (row.state, row.reason) == (State.FAILED, reason)
    assert not Suppression.objects.exists()
    assert not Event.objects.exists()
    assert_closes(mailing)


TRANSIENT = (451, "4.3.0 Try again later", Stage.RCPT)
RETRIES = [
    (TRANSIENT, "transient", 300, 1),
    ((452, "4.2.2 Mailbox full", Stage.RCPT), "full", 1800, 1),
    ((450, "4.7.1 Greylisted", Stage.RCPT), "greylisted", 90, 1),
    ((450, "4.7.1 Greylisted, try again in 600 seconds", Stage.RCPT), "greylisted", 600, 1),
    ((450, "4.7.1 Too many messages", Stage.RCPT), "rate", 30, 0),
    ((421, "4.3.2 Shutting down", Stage.MAIL), "connection", 10, 0),
    # It may be the content that the server can't bear.
    ((421, "4.3.2 Shutting down", Stage.CONTENT), "connection", 300, 1),
]


@pytest.mark.parametrize(("said", "reason", "seconds", "attempts"), RETRIES)
def test_what_passes_is_tried_again(  # noqa: PLR0917
    open_to: Open, relay: Relay, said: Said, reason: str, seconds: int, attempts: int
) -> None:
    mailing = open_to(people(1))
    before = timezone.now()
    answer(mailing, relay, said)
    row = only(mailing)
    assert (row.state, row.reason, row.attempts) == (State.WAITING, reason, attempts)
    assert row.relay_id == relay.pk  # others of the pool come first
    assert row.retry_at is not None
    wait = (row.retry_at - before).total_seconds()
    assert seconds * 0.8 <= wait <= seconds * 1.2 + 5
    assert mailing.state == Mailing.State.SENDING
    assert relay.state == Relay.State.ACTIVE
    assert_closes(mailing)


def test_what_broke_before_the_content_loses_nothing(open_to: Open, relay: Relay) -> None:
    mailing = open_to(people(2))
    claimed = claim(mailing, relay, holder="here:1", limit=2)
    assert claimed is not None
    first, second = claimed.messages
    broken = Outcome(End.NOT_HANDED_OVER, words="connection lost")
    settle(claimed, mailing, relay, {first.id: broken, second.id: Outcome(End.IN_DOUBT)})
    rows = {row.pk: row for row in Message.objects.filter(mailing=mailing)}
    assert (rows[first.id].state, rows[first.id].attempts) == (State.WAITING, 0)
    assert (rows[second.id].state, rows[second.id].reason) == (State.UNKNOWN, "in_doubt")
    assert_closes(mailing)


# Patience -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", [Meaning.TRANSIENT, Meaning.FULL, Meaning.GREYLISTED])
def test_waits_grow_with_jitter_within_bounds(why: Meaning) -> None:
    now = timezone.now()
    patience = retries.Patience(now + timedelta(days=30), timedelta(days=30))
    nominal = [retries.seconds(why, attempts) for attempts in range(8)]
    assert nominal == sorted(nominal)
    assert nominal[0] < nominal[2] < nominal[3]
    for attempts, seconds in enumerate(nominal):
        found = set()
        for _ in range(50):
            due = retries.next_try(why, attempts, patience, now)
            assert due is not None
            found.add((due - now).total_seconds())
        assert len(found) > 10
        assert seconds * 0.8 <= min(found) < max(found) <= seconds * 1.2


def test_a_message_is_tried_once_more_at_the_very_end_and_expires_then() -> None:
    now = timezone.now()
    whole = timedelta(hours=1)
    patience = retries.Patience(now + timedelta(minutes=10), whole)
    assert retries.next_try(Meaning.TRANSIENT, 4, patience, now) == patience.last
    assert retries.next_try(Meaning.TRANSIENT, 5, patience, patience.last) is None
    # First tried when the mailing was old already: it gets its time from then on.
    late = retries.Patience(now - timedelta(days=3), whole)
    assert retries.next_try(Meaning.TRANSIENT, 0, late, now) is not None
    assert retries.next_try(Meaning.TRANSIENT, 4, late, now) is None
    # A limit never fails a message.
    assert retries.next_try(Meaning.RATE, 50, late, now) is not None


def test_expired(open_to: Open, relay: Relay) -> None:
    mailing = open_to(people(1), retry_for=timedelta(minutes=1))
    Mailing.objects.filter(pk=mailing.pk).update(opened_at=timezone.now() - timedelta(minutes=2))
    mailing.refresh_from_db()
    answer(mailing, relay, TRANSIENT)
    row = only(mailing)
    assert (row.state, row.reason, row.reply[:3]) == (State.FAILED, "expired", "451")
    assert_closes(mailing)


# The relay ----------------------------------------------------------------------------------------

SENDER = (553, "5.7.1 Sender address rejected: not owned by user", Stage.MAIL)
LOGIN = (530, "5.7.0 Authentication required", Stage.MAIL)


def test_a_refused_login_stops_the_relay_and_loses_nobody(open_to: Open, relay: Relay) -> None:
    mailing = open_to(people(3))
    answer(mailing, relay, LOGIN, LOGIN, LOGIN)
    assert relay.state == Relay.State.STOPPED
    assert (relay.state_reason, relay.state_words) == ("login", "530 5.7.0 Authentication required")
    assert mailing.state == Mailing.State.SENDING
    rows = Message.objects.filter(mailing=mailing, state=State.WAITING, reason="login", attempts=0)
    assert rows.count() == assert_closes(mailing).waiting == 3


def test_a_refused_sender_stops_the_relay_and_pauses_the_mailing(
    open_to: Open, relay: Relay
) -> None:
    mailing = open_to(people(2))
    answer(mailing, relay, SENDER, SENDER)
    assert relay.state == Relay.State.STOPPED
    assert mailing.state == Mailing.State.PAUSED
    assert mailing.state_reason == "sender"
    assert mailing.state_words.startswith("553 5.7.1")
    assert assert_closes(mailing).waiting == 2


def test_a_refused_sender_does_not_stop_what_others_send(open_to: Open, relay: Relay) -> None:
    other = open_to(people(1))
    Mailing.objects.filter(pk=other.pk).update(from_email="sales@brand.example")
    mailing = open_to(people(1))
    answer(mailing, relay, SENDER)
    assert relay.state == Relay.State.ACTIVE
    assert mailing.state == Mailing.State.PAUSED


def test_in_a_pool_the_others_carry_on(open_to: Open, relay: Relay) -> None:
    pool = Pool.objects.create(workspace=relay.workspace, name="Pool")
    second = Relay.objects.create(workspace=relay.workspace, name="Second", host="b.example")
    for member in (relay, second):
        PoolMember.objects.create(pool=pool, relay=member)
    mailing = open_to(people(1), relay=None, pool=pool)
    answer(mailing, relay, SENDER)
    assert relay.state == Relay.State.STOPPED
    assert mailing.state == Mailing.State.SENDING
    earlier = timezone.now() - timedelta(minutes=1)
    Message.objects.filter(mailing=mailing, retry_at__isnull=False).update(retry_at=earlier)
    answer(mailing, second, SENDER)
    assert mailing.state == Mailing.State.PAUSED


@pytest.mark.parametrize("said", [SENDER, LOGIN, (554, "5.7.1 Relay access denied", Stage.RCPT)])
def test_a_relay_that_takes_others_is_not_stopped(open_to: Open, relay: Relay, said: Said) -> None:
    mailing = open_to(people(3))
    answer(mailing, relay, GOOD, said)
    answer(mailing, relay, said)
    assert relay.state == Relay.State.ACTIVE
    assert mailing.state == Mailing.State.SENDING
    assert Message.objects.filter(mailing=mailing, state=State.WAITING, attempts=1).count() == 2
    assert assert_closes(mailing).accepted == 1


def test_an_account_that_is_closed_meanwhile_stops_the_relay(open_to: Open, relay: Relay) -> None:
    mailing = open_to(people(60))
    answer(mailing, relay, *[GOOD] * 10)
    answer(mailing, relay, *[LOGIN] * 21)
    assert relay.state == Relay.State.STOPPED
    assert Tally.objects.get(mailing=mailing).failed == 0


# Runs of refusals ---------------------------------------------------------------------------------

SPAM = (554, "5.7.1 Message refused as spam", Stage.CONTENT)


def test_a_run_of_refusals_pauses_the_mailing(open_to: Open, relay: Relay) -> None:
    mailing = open_to(spread(100))
    answer(mailing, relay, *[SPAM] * 20, *[GOOD] * 20)
    assert mailing.state == Mailing.State.SENDING
    answer(mailing, relay, SPAM)
    assert mailing.state == Mailing.State.PAUSED
    assert mailing.state_reason == "many_refused"
    assert mailing.state_words == "554 5.7.1 Message refused as spam"
    # Who resumes it begins a new count; now each of them was refused after the last accepted one.
    mailings.resume(mailing)
    answer(mailing, relay, *[SPAM] * 16)
    assert mailing.state == Mailing.State.SENDING
    answer(mailing, relay, *[SPAM] * 4)
    assert mailing.state == Mailing.State.PAUSED
    assert_closes(mailing)


def test_refusals_here_and_there_are_no_run(open_to: Open, relay: Relay) -> None:
    mailing = open_to(spread(400))
    for _ in range(8):
        answer(mailing, relay, *[SPAM] * 10, *[GOOD] * 40)
    assert mailing.state == Mailing.State.SENDING
    assert Tally.objects.get(mailing=mailing).failed == 80


def test_the_latest_count_more_than_the_first(open_to: Open, relay: Relay) -> None:
    mailing = open_to(spread(700))
    for _ in range(5):
        answer(mailing, relay, *[GOOD] * 100)
    for _ in range(3):
        answer(mailing, relay, *[SPAM] * 20)
        if mailing.state == Mailing.State.PAUSED:
            break
    assert mailing.state == Mailing.State.PAUSED
    assert Tally.objects.get(mailing=mailing).failed <= 100


# Telling ------------------------------------------------------------------------------------------


def _subjects(messages: Sequence[mail.EmailMessage]) -> list[tuple[str, str]]:
    return sorted((message.to[0], str(message.subject)) for message in messages)


def test_who_may_send_is_told_once(
    open_to: Open, relay: Relay, owner: User, make_member: Callable[..., User]
) -> None:
    manager = make_member(relay.workspace, Role.MANAGER)
    make_member(relay.workspace, Role.VIEWER)
    User.objects.filter(pk=manager.pk).update(language="zh-hans")
    mailing = open_to(people(3))
    answer(mailing, relay, SENDER)
    assert telling.tell_all() == 2
    told = _subjects(mail.outbox)
    assert [address for address, _ in told] == sorted([owner.email, manager.email])
    text = next(one for one in mail.outbox if one.to == [owner.email])
    assert text.subject == "Campaign 7 is paused: The relay refuses the sender address"
    assert "553 5.7.1 Sender address rejected: not owned by user" in text.body
    assert "3" in text.body
    # Not again, and not for the same reason a second time.
    assert telling.tell_all() == 0
    mailings.resume(mailing)
    Relay.objects.update(state=Relay.State.ACTIVE)
    answer(mailing, relay, SENDER)
    assert mailing.state == Mailing.State.PAUSED
    assert telling.tell_all() == 0
    assert len(mail.outbox) == 2


@pytest.mark.usefixtures("owner")
def test_what_is_over_is_not_told(open_to: Open, relay: Relay) -> None:
    mailing = open_to(people(1))
    answer(mailing, relay, SENDER)
    mailings.resume(mailing)
    assert telling.tell_all() == 0
    assert not mail.outbox


# Unknown ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Event.Kind))
def test_whatever_comes_back_settles_an_unknown_one(
    kind: Event.Kind, sent: Callable[..., list[Message]]
) -> None:
    known, other = sent("a@x.example", "b@x.example", state=State.UNKNOWN)
    at = known.settled_at
    assert at is not None
    rows = [events.EventRow(known.pk, kind, timezone.now()) for _ in range(2)]
    events.record(rows)
    known.refresh_from_db()
    other.refresh_from_db()
    assert (known.state, known.reason, known.settled_at) == (State.ACCEPTED, "", at)
    assert (other.state, other.reason) == (State.UNKNOWN, "in_doubt")
    tally = assert_closes(known.mailing)
    assert (tally.accepted, tally.unknown) == (1, 1)
    minute = at.replace(second=0, microsecond=0)
    assert TallyMinute.objects.get(mailing=known.mailing, minute=minute).accepted == 1
    # Once.
    events.record(rows)
    assert assert_closes(known.mailing).accepted == 1
    assert TallyMinute.objects.get(mailing=known.mailing, minute=minute).accepted == 1


def test_many_are_settled_at_once(
    sent: Callable[..., list[Message]], django_assert_max_num_queries: Callable[..., object]
) -> None:
    rows = sent(*people(50), state=State.UNKNOWN)
    with django_assert_max_num_queries(9):  # type: ignore[attr-defined]
        events.record(events.EventRow(row.pk, Event.Kind.OPENED, timezone.now()) for row in rows)
    assert assert_closes(rows[0].mailing).accepted == 50
