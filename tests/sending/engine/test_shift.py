"""One shift against a real SMTP server: what leaves, what stays, and why."""

import email
import email.policy
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import BY_HAND, Source
from contacts.services import suppressions
from relays.models import Pool, PoolMember, Relay
from sending.compose import tokens
from sending.engine import shift
from sending.models import Event, Mailing, Message
from sending.services import dispatch, mailings, unknowns
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
State = Message.State
Open = Callable[..., Mailing]


def finish(mailing: Mailing, relay: Relay) -> None:
    """Runs until nothing is due, as the beat would."""
    while dispatch.relays_to_run():
        relay.refresh_from_db()
        shift.run(relay)
    dispatch.tend_mailings()
    mailing.refresh_from_db()


def test_everybody_gets_a_mail_of_their_own(open_to: Open, relay: Relay, sink: Sink) -> None:
    addresses = [f"person{n}@x.example" for n in range(150)]
    mailing = open_to(addresses)
    finish(mailing, relay)

    assert mailing.state == Mailing.State.FINISHED
    assert assert_closes(mailing).accepted == 150
    assert sink.accepted == dict.fromkeys(addresses, 1)
    sender, recipient, content = sink.mails[0]
    message = Message.objects.get(mailing=mailing, address=recipient)
    assert tokens.of_sender(sender) == message.pk
    mail = email.message_from_bytes(content[:-3], policy=email.policy.SMTP)
    name = recipient.split("@")[0]
    assert mail["Subject"] == f"Hello {name} 你好"
    assert mail["From"] == "Brand <news@brand.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert tokens.make(message.pk) in mail["List-Unsubscribe"]
    text, html = (part.get_content() for part in mail.iter_parts())
    assert f"Dear {name}," in text
    assert f"Dear {name}," in html
    assert f"/e/c/{tokens.make(message.pk)}/0" in html
    assert "https://brand.example/" not in html
    assert message.reply == "250 2.0.0 taken"


def test_refusals_are_settled_by_what_they_mean(open_to: Open, relay: Relay, sink: Sink) -> None:
    mailing = open_to(["good@x.example", "reject@x.example", "spam@x.example", "defer@x.example"])
    finish(mailing, relay)

    rows = {m.address.split("@")[0]: m for m in Message.objects.filter(mailing=mailing)}
    assert rows["good"].state == State.ACCEPTED
    assert (rows["reject"].state, rows["reject"].reason) == (State.FAILED, "address")
    assert rows["reject"].reply == "550 5.1.1 User unknown"
    assert (rows["spam"].state, rows["spam"].reason) == (State.FAILED, "policy")
    assert (rows["defer"].state, rows["defer"].reason) == (State.WAITING, "transient")
    assert rows["defer"].retry_at is not None
    assert rows["defer"].retry_at > timezone.now() + timedelta(minutes=3)
    assert mailing.state == Mailing.State.SENDING
    assert mailing.wait_reason == "retrying"
    assert mailing.wait_until == rows["defer"].retry_at
    suppressed = Suppression.objects.get()
    assert (suppressed.value, suppressed.reason) == ("reject@x.example", "hard_bounced")
    assert suppressed.detail == "550 5.1.1 User unknown"
    assert suppressed.source == Source("campaign", 7)
    assert Event.objects.get().kind == Event.Kind.HARD_BOUNCED
    assert assert_closes(mailing).hard_bounced == 1

    Message.objects.filter(pk=rows["defer"].pk).update(retry_at=timezone.now())
    finish(mailing, relay)
    assert mailing.state == Mailing.State.FINISHED
    assert assert_closes(mailing).accepted == 2


def test_a_mailing_gives_up_after_its_time(open_to: Open, relay: Relay) -> None:
    mailing = open_to(["full@x.example"], retry_for=timedelta(minutes=2))
    finish(mailing, relay)
    row = Message.objects.get(mailing=mailing)
    # Once more at the very end of its time.
    last = mailing.opened_at + mailing.retry_for
    assert (row.state, row.reason, row.retry_at) == (State.WAITING, "full", last)
    assert row.retry_at is not None
    passed = timedelta(minutes=3)
    Mailing.objects.update(opened_at=mailing.opened_at - passed)
    Message.objects.update(retry_at=row.retry_at - passed)
    finish(mailing, relay)
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.FAILED, "expired")
    assert row.reply == "452 4.2.2 Mailbox full"
    assert mailing.state == Mailing.State.FINISHED


def test_cut_after_the_content_is_unknown_and_never_resent(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    mailing = open_to(["drop@x.example", "good@x.example"])
    finish(mailing, relay)
    row = Message.objects.get(mailing=mailing, address="drop@x.example")
    assert (row.state, row.reason) == (State.UNKNOWN, "in_doubt")
    assert mailing.state == Mailing.State.FINISHED
    assert assert_closes(mailing).unknown == 1
    finish(mailing, relay)
    assert sink.accepted["drop@x.example"] == 1

    assert unknowns.resend(mailing) == 1
    assert mailing.state == Mailing.State.SENDING
    finish(mailing, relay)
    assert sink.accepted["drop@x.example"] == 2
    assert unknowns.count_as_sent(mailing) == 1
    assert assert_closes(mailing).accepted == 2


def test_cut_before_the_content_goes_back(open_to: Open, relay: Relay, sink: Sink) -> None:
    mailing = open_to(["early@x.example"])
    shift.run(relay)
    row = Message.objects.get(mailing=mailing)
    assert (row.state, row.reason, row.attempts) == (State.WAITING, "connection", 0)
    assert not sink.accepted
    relay.refresh_from_db()
    assert relay.wait_until
    dispatch.tend_mailings()
    mailing.refresh_from_db()
    assert mailing.wait_reason == "connection"
    assert_closes(mailing)


def test_unreachable_relay_makes_the_mailing_wait(open_to: Open, relay: Relay) -> None:
    Relay.objects.filter(pk=relay.pk).update(port=1)
    relay.refresh_from_db()
    mailing = open_to(["a@x.example"])
    shift.run(relay)
    relay.refresh_from_db()
    assert relay.state == Relay.State.ACTIVE
    assert relay.wait_reason == "connection"
    assert relay.failures == 1
    assert Message.objects.get(mailing=mailing).state == State.WAITING
    assert not dispatch.relays_to_run()


def test_refused_login_stops_the_relay(open_to: Open, relay: Relay, sink: Sink) -> None:
    sink.login = ("user", "right")
    Relay.objects.filter(pk=relay.pk).update(username="user")
    relay.refresh_from_db()
    mailing = open_to(["a@x.example"])
    shift.run(relay)
    relay.refresh_from_db()
    assert relay.state == Relay.State.STOPPED
    assert "535" in relay.state_words
    dispatch.tend_mailings()
    mailing.refresh_from_db()
    assert mailing.wait_reason == "relay_stopped"
    assert assert_closes(mailing).waiting == 1


def test_refused_sender_stops_the_relay_and_loses_nobody(open_to: Open, relay: Relay) -> None:
    mailing = open_to(["sender@x.example"])
    shift.run(relay)
    relay.refresh_from_db()
    assert relay.state == Relay.State.STOPPED
    assert assert_closes(mailing).waiting == 1


def test_who_left_since_the_freeze_is_skipped(open_to: Open, relay: Relay, sink: Sink) -> None:
    mailing = open_to(
        [*(f"{name}@x.example" for name in ("a", "gone", "left", "off", "bad")), "b@bad.example"]
    )
    suppressions.suppress(
        mailing.workspace,
        value="bad@x.example",
        kind="address",
        reason="complained",
        source=BY_HAND,
    )
    suppressions.suppress(
        mailing.workspace, value="bad.example", kind="domain", reason="manual", source=BY_HAND
    )
    Contact.objects.get(email="gone@x.example").delete()
    Subscription.objects.filter(contact__email="left@x.example").update(status="unsubscribed")
    # As when an import is undone.
    Subscription.objects.filter(contact__email="off@x.example").delete()
    finish(mailing, relay)
    reasons = dict(Message.objects.filter(mailing=mailing).values_list("address", "reason"))
    assert reasons == {
        "a@x.example": "",
        "gone@x.example": "gone",
        "left@x.example": "unsubscribed",
        "off@x.example": "off_list",
        "bad@x.example": "suppressed_complained",
        "b@bad.example": "suppressed_domain",
    }
    assert set(sink.accepted) == {"a@x.example"}
    assert assert_closes(mailing).skipped == 5
    assert mailing.state == Mailing.State.FINISHED


def test_people_left_out_are_counted_by_reason(
    open_to: Open, make_list: Callable[..., List]
) -> None:
    out = make_list(["both@x.example"], name="Out")
    suppressions.suppress(
        out.workspace, value="no@x.example", kind="address", reason="hard_bounced", source=BY_HAND
    )
    mailing = open_to(["both@x.example", "no@x.example", "yes@x.example"], lists_out=[out.pk])
    assert mailing.excluded == {"excluded": 1, "suppressed_hard_bounced": 1}
    assert assert_closes(mailing).targeted == 1


def test_paused_and_resumed_ten_times(open_to: Open, relay: Relay, sink: Sink) -> None:
    addresses = [f"p{n}@x.example" for n in range(300)]
    mailing = open_to(addresses)
    for _ in range(10):
        shift.run(relay, budget=0)
        assert mailings.pause(mailing)
        shift.run(relay)
        assert not dispatch.relays_to_run()
        assert mailings.resume(mailing)
    finish(mailing, relay)
    assert sink.accepted == dict.fromkeys(addresses, 1)
    assert assert_closes(mailing).accepted == 300


def test_cancelled_skips_the_rest(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@x.example" for n in range(60)])
    assert mailings.cancel(mailing)
    assert not mailings.resume(mailing)
    finish(mailing, relay)
    assert mailing.state == Mailing.State.CANCELLED
    assert assert_closes(mailing).skipped == 60


def test_hour_and_day_limits_hold(open_to: Open, relay: Relay, sink: Sink) -> None:
    Relay.objects.filter(pk=relay.pk).update(per_hour=25, per_day=1000)
    relay.refresh_from_db()
    mailing = open_to([f"p{n}@x.example" for n in range(60)])
    finish(mailing, relay)
    assert sum(sink.accepted.values()) == 25
    relay.refresh_from_db()
    assert relay.wait_reason == "per_hour"
    assert mailing.state == Mailing.State.SENDING
    assert (mailing.wait_reason, mailing.wait_until) == ("per_hour", relay.wait_until)
    assert_closes(mailing)


def test_messages_per_second_hold(open_to: Open, relay: Relay, sink: Sink) -> None:
    Relay.objects.filter(pk=relay.pk).update(per_second=20)
    relay.refresh_from_db()
    mailing = open_to([f"p{n}@x.example" for n in range(30)])
    began = timezone.now()
    finish(mailing, relay)
    assert (timezone.now() - began).total_seconds() > 1.4
    assert sum(sink.accepted.values()) == 30


def test_connections_are_closed_after_their_messages(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    Relay.objects.filter(pk=relay.pk).update(connections=1, messages_per_connection=5)
    relay.refresh_from_db()
    mailing = open_to([f"p{n}@x.example" for n in range(20)])
    finish(mailing, relay)
    assert sink.connections == 4
    assert assert_closes(mailing).accepted == 20


def test_a_pool_goes_on_without_the_relay_that_fails(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    broken = Relay.objects.create(
        workspace=relay.workspace, name="Broken", host="127.0.0.1", port=1, security="none"
    )
    pool = Pool.objects.create(workspace=relay.workspace, name="Main")
    for member in (broken, relay):
        PoolMember.objects.create(pool=pool, relay=member)
    mailing = open_to([f"p{n}@x.example" for n in range(50)], relay=None, pool=pool)
    assert set(dispatch.relays_to_run()) == {broken.pk, relay.pk}
    shift.run(broken)
    assert set(dispatch.relays_to_run()) == {relay.pk}
    Message.objects.filter(mailing=mailing, retry_at__isnull=False).update(
        retry_at=timezone.now() - timedelta(minutes=1)
    )
    finish(mailing, relay)
    assert assert_closes(mailing).accepted == 50
