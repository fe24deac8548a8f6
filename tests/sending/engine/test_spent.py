"""Relays that count a connection's mails or commands, or want to know our name: nobody fails,
nothing waits without need, and the relay's page says what is so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from relays.models import Lane, Relay
from relays.services import health, relays
from sending.engine import shift
from sending.models import Mailing, Message
from sending.services import dispatch
from tests.sending.engine.conftest import assert_closes
from tests.sending.engine.test_shift import finish
from tests.smtp.scripted import Fault, Scripted, Step, say, serving

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
NOBODY = Fault(Step.RCPT, say(b"550 5.1.1 no such user"), to="nobody")


def _through(relay: Relay, server: Scripted, **values: object) -> None:
    Relay.objects.filter(pk=relay.pk).update(port=server.port, **values)
    relay.refresh_from_db()


def _untroubled(relay: Relay) -> None:
    relay.refresh_from_db()
    assert (relay.state, relay.failures, relay.wait_until) == ("active", 0, None)
    assert (relay.exchange, relay.exchange_why) == ("", "")
    assert not Lane.objects.filter(relay=relay).exists()


def _once(server: Scripted, mailing: Mailing) -> None:
    rows = Message.objects.filter(mailing=mailing)
    assert server.accepted == dict.fromkeys(rows.values_list("address", flat=True), 1)


def test_a_connections_number_of_mails_is_learned(
    open_to: Open, relay: Relay, owner_client: Client
) -> None:
    with serving(mails_each=7) as server:
        _through(relay, server)
        mailing = open_to([f"p{n}@x{n % 3}.example" for n in range(300)])
        shift.run(relay)
        dispatch.tend_mailings()
        mailing.refresh_from_db()
        assert mailing.state == Mailing.State.FINISHED
        assert assert_closes(mailing).accepted == 300
        _once(server, mailing)
        assert server.connections >= 300 / 7
    assert not Message.objects.filter(mailing=mailing, attempts__gt=1).exists()
    _untroubled(relay)
    assert relay.messages_per_connection_found == 7
    page = owner_client.get(f"/w/{relay.workspace.slug}/relays/{relay.pk}/").content.decode()
    assert "7 messages on each, found automatically" in page
    assert "It found that its server takes 7 messages on a connection." in page


def test_what_was_learned_is_kept_to(open_to: Open, relay: Relay) -> None:
    """No MAIL is refused any more, until it is forgotten after a day."""
    with serving(mails_each=7) as server:
        at = timezone.now() - timedelta(hours=23)
        _through(
            relay,
            server,
            messages_per_connection_found=7,
            messages_per_connection_found_at=at,
        )
        open_to([f"p{n}@x.example" for n in range(70)])
        shift.run(relay)
        assert server.everything.count(b"MAIL FROM") == 70
    _untroubled(relay)
    relay.messages_per_connection_found_at = timezone.now() - timedelta(hours=25)
    assert health.messages_each(relay) is None
    relay.messages_per_connection = 100
    assert health.messages_each(relay) == 100


def test_a_number_that_a_person_gave_stays(open_to: Open, relay: Relay) -> None:
    with serving(mails_each=7) as server:
        _through(relay, server, messages_per_connection=20)
        mailing = open_to([f"p{n}@x.example" for n in range(60)])
        shift.run(relay)
        assert assert_closes(mailing).accepted == 60
        _once(server, mailing)
    _untroubled(relay)
    assert (relay.messages_per_connection, relay.messages_per_connection_found) == (20, None)


def test_a_run_of_unknown_recipients_is_no_lie_about_pipelining(
    open_to: Open, relay: Relay
) -> None:
    people = [f"nobody{n}@x.example" for n in range(15)] + ["ann@x.example"]
    with serving(faults=[NOBODY], resets=11) as server:
        _through(relay, server, connections=1)
        mailing = open_to(people)
        finish(mailing, relay)
        tally = assert_closes(mailing)
        assert (tally.accepted, tally.failed) == (1, 15)
    _untroubled(relay)


def test_a_limit_of_one_mailbox_slows_nobody(open_to: Open, relay: Relay) -> None:
    busy = say(b"450 4.2.1 The recipient has exceeded message rate limit. Try again later")
    hourly = say(b"554 5.2.122 The recipient has exceeded their limit for messages per hour")
    faults = [Fault(Step.RCPT, busy, to="busy"), Fault(Step.END, hourly, to="hour")]
    people = [f"{who}{n}@x.example" for n in range(12) for who in ("busy", "hour")]
    with serving(faults=faults) as server:
        _through(relay, server)
        open_to(people)
        shift.run(relay)
        assert not server.accepted
    _untroubled(relay)


# The name -----------------------------------------------------------------------------------------


def test_a_relay_that_wants_a_full_name_gets_an_address(
    open_to: Open, relay: Relay, smtp_config: Callable[..., None]
) -> None:
    smtp_config(ehlo_name="")
    with serving(strict_name=True) as server:
        _through(relay, server)
        mailing = open_to(["ann@x.example"])
        finish(mailing, relay)
        assert assert_closes(mailing).accepted == 1
        assert server.everything.startswith(b"EHLO [127.0.0.1]\r\n")


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault(Step.RCPT, say(b"504 5.5.2 <yanshu>: Helo command rejected: need fully-qualified")),
        Fault(Step.RCPT, say(b"450 4.7.1 <yanshu>: Helo command rejected: Host not found")),
        Fault(Step.MAIL, say(b"550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)")),
    ],
)
def test_a_relay_that_refuses_the_name_waits_and_nobody_fails(
    open_to: Open, relay: Relay, smtp_config: Callable[..., None], fault: Fault | None
) -> None:
    smtp_config(ehlo_name="yanshu")
    with serving(strict_name=fault is None, faults=[fault] if fault else []) as server:
        _through(relay, server)
        mailing = open_to([f"p{n}@x.example" for n in range(30)])
        finish(mailing, relay)
        tally = assert_closes(mailing)
        assert (tally.waiting, tally.failed, tally.skipped) == (30, 0, 0)
        relay.refresh_from_db()
        assert (relay.state, relay.wait_reason, mailing.wait_reason) == ("active", "ehlo", "ehlo")
        assert relay.wait_until is not None
        assert not Lane.objects.filter(relay=relay).exists()
    # Mended: it goes on by itself.
    smtp_config(ehlo_name="mail.brand.example")
    with serving(strict_name=True) as server:
        _through(relay, server, wait_until=timezone.now() - timedelta(seconds=1))
        Message.objects.filter(mailing=mailing).exclude(retry_at=None).update(
            retry_at=timezone.now() - timedelta(seconds=1)
        )
        finish(mailing, relay)
        assert assert_closes(mailing).accepted == 30


# Waits of the whole relay -------------------------------------------------------------------------


@pytest.fixture
def closed(open_to: Open, relay: Relay) -> Mailing:
    """The relay's own server asked to go slower, long ago for a limit that is none any more."""
    mailing = open_to([f"p{n}@x.example" for n in range(40)])
    until = timezone.now() + timedelta(minutes=15)
    Lane.objects.create(
        relay=relay, name="*", rate=1 / 60, ceiling=1 / 30, closed_until=until, reason="rate",
        failures=8, words="421 too many messages in this connection",
    )  # fmt: skip
    Relay.objects.filter(pk=relay.pk).update(
        wait_until=until, wait_reason="rate", next_slot_at=until, state_words="421 too many"
    )
    relay.refresh_from_db()
    return mailing


def test_try_now_ends_a_wait_of_the_whole_relay(
    closed: Mailing, relay: Relay, owner_client: Client
) -> None:
    shift.run(relay)
    assert assert_closes(closed).accepted == 0
    url = f"/w/{relay.workspace.slug}/relays/{relay.pk}/try-now/"
    assert "is tried again now" in owner_client.post(url, follow=True).content.decode()
    relay.refresh_from_db()
    shift.run(relay)
    assert assert_closes(closed).accepted >= 1
    assert Lane.objects.get(relay=relay).closed_until is None


@pytest.mark.parametrize("changed", [{"messages_per_connection": 7}, {"per_minute": 100_000}])
def test_a_changed_limit_ends_a_wait_of_the_whole_relay(
    closed: Mailing, relay: Relay, changed: dict[str, Any]
) -> None:
    relays.change(relay, **changed)
    relay.refresh_from_db()
    assert (relay.wait_until, relay.wait_reason, relay.state_words) == (None, "", "")
    shift.run(relay)
    assert assert_closes(closed).accepted == 40
    assert not Lane.objects.filter(relay=relay).exists()


def test_a_changed_limit_does_not_bring_a_server_back_that_is_away(relay: Relay) -> None:
    until = timezone.now() + timedelta(minutes=5)
    Relay.objects.filter(pk=relay.pk).update(
        failures=3, wait_until=until, wait_reason="connection", state_words="refused"
    )
    relay.refresh_from_db()
    relays.change(relay, per_minute=10)
    relay.refresh_from_db()
    assert (relay.failures, relay.wait_until, relay.wait_reason) == (3, until, "connection")
