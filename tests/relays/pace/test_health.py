"""What a relay's answers make of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from relays.models import Lane, Relay, RelayMinute
from relays.services import health, minutes
from smtp import ConnectError, End, Outcome, Stage, refused
from tests.relays.pace.conftest import NOON, Clock

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]
ACCEPTED = Outcome(End.ACCEPTED, 250, "2.0.0 taken", Stage.CONTENT)
LOST = Outcome(End.NOT_HANDED_OVER, 0, "connection lost")
CLOSING = refused(421, "4.3.2 shutting down", Stage.MAIL)


def after(
    relay: Relay, *outcomes: Outcome, error: ConnectError | None = None, **more: Any
) -> Relay:
    health.learn(relay, outcomes, error, **more)
    relay.refresh_from_db()
    return relay


@pytest.mark.parametrize(
    ("outcomes", "error"),
    [
        ([], ConnectError("connection", "refused")),
        ([], ConnectError("too_many", "421 too many connections")),
        ([LOST, LOST], None),
        ([CLOSING], None),
    ],
)
def test_trouble_with_the_connection_makes_it_wait_longer_each_time(
    make_relay: Make, stepped: Clock, outcomes: list[Outcome], error: ConnectError | None
) -> None:
    relay = make_relay()
    waits = []
    for _ in range(3):
        after(relay, *outcomes, error=error)
        assert relay.wait_until is not None
        assert not health.ready(relay)
        waits.append((relay.wait_until - stepped.moment).total_seconds())
        # Who failed at the same moment adds nothing.
        assert after(relay, *outcomes, error=error).failures == len(waits)
        stepped.step(waits[-1])
        assert health.ready(relay)
    assert waits == [pytest.approx(base, rel=0.11) for base in (5, 10, 20)]
    after(relay, ACCEPTED)
    assert (relay.failures, relay.wait_until, relay.wait_reason) == (0, None, "")


def test_too_many_connections_beside_open_ones_only_shrink_them(
    make_relay: Make, stepped: Clock
) -> None:
    relay = make_relay(connections=None)
    error = ConnectError("too_many", "421 4.7.0 too many connections")
    after(relay, ACCEPTED, error=error, open=3)
    assert (relay.connections_found, relay.wait_until, relay.failures) == (3, None, 0)


def test_a_refused_mail_is_an_answer(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(failures=2)
    unknown = refused(550, "5.1.1 user unknown", Stage.RCPT)
    assert after(relay, unknown).failures == 0


@pytest.mark.parametrize(
    ("outcomes", "error"),
    [
        ([], ConnectError("login", "535 5.7.8 no")),
        ([], ConnectError("certificate", "expired")),
    ],
)
def test_what_only_a_person_can_mend_stops_it(
    make_relay: Make, stepped: Clock, outcomes: list[Outcome], error: ConnectError | None
) -> None:
    relay = after(make_relay(), *outcomes, error=error)
    assert (relay.state, relay.state_since) == (Relay.State.STOPPED, NOON)
    assert relay.state_reason == (error.reason if error else "")


def test_a_longer_wait_stays(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(wait_reason="per_hour", wait_until=NOON + timedelta(minutes=30))
    after(relay, error=ConnectError("connection", "refused"))
    assert relay.wait_reason == "per_hour"


def test_steps_down_once_and_is_reset(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(
        failures=3,
        wait_reason="connection",
        wait_until=NOON + timedelta(minutes=5),
        connections_found=9,
        connections_refused_at=NOON,
    )
    Lane.objects.create(relay=relay, name="gmail", rate=3)
    health.step_down(relay, "grouped", "two replies were missing")
    stepped.step(60)
    health.step_down(relay, "grouped", "again")
    relay.refresh_from_db()
    assert (relay.exchange, relay.exchange_why) == ("grouped", "two replies were missing")
    assert relay.exchange_since == NOON
    health.reset(relay)
    relay.refresh_from_db()
    assert (relay.exchange, relay.exchange_why, relay.exchange_since) == ("", "", None)
    assert (relay.failures, relay.wait_until, relay.connections_found) == (0, None, None)
    assert not relay.lanes.exists()


def test_a_reset_ends_no_limit(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(wait_reason="per_day", wait_until=NOON + timedelta(hours=5))
    health.reset(relay)
    relay.refresh_from_db()
    assert relay.wait_reason == "per_day"
    health.limits_changed(relay)
    relay.refresh_from_db()
    assert relay.wait_until is None


def test_minutes_add_up_and_are_dropped_after_days(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    minutes.record(relay, {"accepted": (10, 0.5), "rate": (2, 0.0)})
    stepped.step(59)
    minutes.record(relay, {"accepted": (5, 0.25)})
    stepped.step(1)
    minutes.record(relay, {"accepted": (1, 0.1)})
    minutes.record(relay, {})
    rows = RelayMinute.objects.order_by("minute", "meaning")
    assert list(rows.values_list("meaning", "count", "seconds")) == [
        ("accepted", 15, 0.75),
        ("rate", 2, 0.0),
        ("accepted", 1, 0.1),
    ]
    assert minutes.drop_old() == 0
    stepped.step(8 * 24 * 3600)
    assert minutes.drop_old() == 2
