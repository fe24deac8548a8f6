"""What a mailing says it waits for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from relays import providers
from relays.models import Lane, Pool, PoolMember, Relay, RelaySlot
from sending.models import Batch, Mailing, MailingLane, Message
from sending.services import waits
from tests.relays.pace.conftest import NOON, Clock

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]
GMAIL = providers.lane_number("gmail")


def said(mailing: Mailing) -> tuple[str, datetime | None]:
    waits.tend()
    mailing.refresh_from_db()
    return mailing.wait_reason, mailing.wait_until


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("reason", "seconds", "says"),
    [
        ("per_hour", 1800, True),
        ("per_day", 30000, True),
        ("warmup", 30000, True),
        ("connection", 4, True),
        ("per_minute", 30, True),
        ("per_second", 2, False),
        ("per_second", -1, False),
    ],
)
def test_a_relay_s_wait(  # noqa: PLR0917
    make_relay: Make, make_mailing: Make, stepped: Clock, reason: str, seconds: int, says: bool
) -> None:
    make_relay(wait_reason=reason, wait_until=after(seconds), state_words="451 later")
    mailing = make_mailing()
    assert said(mailing) == ((reason, after(seconds)) if says else ("", None))
    if says:
        line = waits.lines(mailing)[0]
        assert (line.relay, line.reason, line.words) == ("Relay 0", reason, "451 later")
        assert line.until == after(seconds)
        Relay.objects.update(wait_until=None)
        assert said(mailing) == ("", None)
        assert waits.lines(mailing) == []


@pytest.mark.parametrize(
    ("state", "reason"), [("paused", "relay_paused"), ("stopped", "relay_stopped")]
)
def test_a_relay_that_does_not_work(
    make_relay: Make, make_mailing: Make, stepped: Clock, state: str, reason: str
) -> None:
    make_relay(state=state)
    assert said(make_mailing()) == (reason, None)


def test_a_mailing_s_own_window_and_rate(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    make_relay()
    window = {"days": [4], "from": "09:00", "to": "18:00", "zone": "UTC"}
    assert said(make_mailing(window=window)) == ("window", datetime(2026, 3, 5, 9, tzinfo=UTC))
    slow = make_mailing(per_minute=1, next_slot_at=after(55))
    assert said(slow) == ("mailing_rate", after(55))


def test_a_closed_lane_waits_alone_and_then_all(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay = make_relay()
    Lane.objects.create(
        relay=relay, name="gmail", closed_until=after(80), reason="rate", words="421 4.7.28 slow"
    )
    mailing = make_mailing(lanes=(0, GMAIL))
    assert said(mailing) == ("", None)
    (line,) = waits.lines(mailing)
    assert (line.provider, line.until, line.words) == ("Gmail", after(80), "421 4.7.28 slow")
    MailingLane.objects.filter(mailing=mailing, lane=0).update(next_id=1, last_id=0)
    assert said(mailing) == ("lane", after(80))
    # What a worker holds is no wait.
    batch = Batch.objects.create(mailing=mailing, ids=[1], holder="a")
    assert said(mailing) == ("", None)
    batch.delete()
    Message.objects.create(mailing=mailing, contact_id=1, address="a@x.example", retry_at=after(20))
    assert said(mailing) == ("retrying", after(20))
    stepped.step(21)
    assert said(mailing) == ("", None)


def test_a_relay_that_owes_an_answer(make_relay: Make, make_mailing: Make) -> None:
    """Whose turn could come waits for it; what is to be tried later waits for its time."""
    relay, now = make_relay(), timezone.now()
    RelaySlot.objects.create(
        relay=relay,
        number=0,
        holder="a",
        open=2,
        leased_until=now + timedelta(minutes=1),
        silent_since=now - timedelta(seconds=30),
    )
    mailing = make_mailing()
    assert said(mailing) == ("silent", None)
    (line,) = waits.lines(mailing)
    assert (line.relay, line.reason) == ("Relay 0", "silent")
    MailingLane.objects.update(next_id=1, last_id=0)
    later = now + timedelta(hours=1)
    Message.objects.create(mailing=mailing, contact_id=1, address="a@x.example", retry_at=later)
    assert said(mailing) == ("retrying", later)
    RelaySlot.objects.update(silent_since=None)
    MailingLane.objects.update(next_id=1, last_id=9)
    assert said(mailing) == ("", None)


def test_one_of_a_pool_waits_and_another_carries_on(
    make_relay: Make, make_mailing: Make, stepped: Clock, workspace: Any
) -> None:
    pool = Pool.objects.create(workspace=workspace, name="Main")
    limited = make_relay(wait_reason="per_hour", wait_until=after(900))
    PoolMember.objects.create(pool=pool, relay=limited, tier=1)
    PoolMember.objects.create(pool=pool, relay=make_relay(), tier=2)
    mailing = make_mailing(pool=pool)
    assert said(mailing) == ("", None)
    assert [(line.relay, line.reason) for line in waits.lines(mailing)] == [("Relay 0", "per_hour")]
    Relay.objects.exclude(pk=limited.pk).update(wait_reason="connection", wait_until=after(60))
    assert said(mailing) == ("connection", after(60))
    assert len(waits.lines(mailing)) == 2


def test_draining_ends_in_a_pause(make_relay: Make, make_mailing: Make) -> None:
    relay = make_relay()
    mailing = make_mailing()
    Relay.objects.update(state="draining", draining_since=mailing.opened_at)
    late = make_mailing()
    assert said(late) == ("relay_draining", None)
    assert said(mailing) == ("", None)
    Mailing.objects.filter(pk=mailing.pk).update(state="finished")
    waits.tend()
    relay.refresh_from_db()
    assert (relay.state, relay.draining_since) == ("paused", None)
    assert said(late) == ("relay_paused", None)


def test_the_number_of_mailings_costs_no_statements(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    make_relay(wait_reason="per_hour", wait_until=after(900))
    counts = []
    for _ in range(2):
        for _ in range(5):
            make_mailing(lanes=(0, GMAIL))
        with CaptureQueriesContext(connection) as seen:
            waits.tend()
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 9
    with CaptureQueriesContext(connection) as seen:
        waits.tend()
    assert not any("UPDATE sending_mailing" in one["sql"] for one in seen)
