"""Which mailings a relay is given, and in which order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from relays import providers
from relays.models import Lane, Pool, PoolMember, Relay
from sending.models import Batch, Mailing, MailingLane, Message
from sending.queries.carrying import mailings_for, ordered
from tests.relays.pace.conftest import NOON, Clock

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


def test_priorities_and_turns() -> None:
    rows = [(1, 10), (2, 10), (3, 5), (4, 10)]
    assert ordered(rows, 0) == [3, 1, 2, 4]
    assert ordered(rows, 1) == [3, 2, 4, 1]
    assert ordered(rows, 5) == [3, 4, 1, 2]
    assert ordered([*rows, (9, 0)], 1) == [9]


def test_each_comes_first_equally_often(make_relay: Make, make_mailing: Make) -> None:
    relay = make_relay()
    mailings = [make_mailing() for _ in range(3)]
    firsts = [mailings_for(relay)[0] for _ in range(9)]
    assert {one.pk: firsts.count(one) for one in mailings} == {one.pk: 3 for one in mailings}
    assert len(mailings_for(relay)) == 3


def test_only_what_has_something_to_claim(make_relay: Make, make_mailing: Make) -> None:
    relay = make_relay()
    fresh, back, again, empty, later, held = (make_mailing() for _ in range(6))
    for one in (back, again, empty, later, held):
        MailingLane.objects.filter(mailing=one).update(next_id=1, last_id=0)
    Batch.objects.create(mailing=back, ids=[1])
    Batch.objects.create(mailing=held, ids=[2], holder="a")
    for one, minutes in ((again, -1), (later, 60)):
        due = one.opened_at + timedelta(minutes=minutes)
        Message.objects.create(mailing=one, contact_id=1, address="a@x.example", retry_at=due)
    assert {one.pk for one in mailings_for(relay)} == {fresh.pk, back.pk, again.pk}
    fresh.state = Mailing.State.PAUSED
    fresh.save()
    assert fresh not in mailings_for(relay)


def test_closed_lanes_windows_and_own_rates_are_left_out(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay = make_relay()
    gmail = make_mailing(lanes=(providers.lane_number("gmail"),))
    make_mailing(window={"days": [7], "from": "09:00", "to": "18:00", "zone": "UTC"})
    make_mailing(per_minute=1, next_slot_at=NOON + timedelta(seconds=50))
    assert mailings_for(relay) == [gmail]
    Lane.objects.create(relay=relay, name="gmail", closed_until=NOON + timedelta(seconds=9))
    assert mailings_for(relay) == []
    stepped.step(9)
    assert mailings_for(relay) == [gmail]


def test_the_lowest_tier_that_can_work_carries(
    make_relay: Make, make_mailing: Make, workspace: Any
) -> None:
    pool = Pool.objects.create(workspace=workspace, name="Main")
    first, second = make_relay(), make_relay()
    PoolMember.objects.create(pool=pool, relay=first, tier=1)
    PoolMember.objects.create(pool=pool, relay=second, tier=2)
    mailing = make_mailing(pool=pool)
    assert (mailings_for(first), mailings_for(second)) == ([mailing], [])
    later = mailing.opened_at + timedelta(minutes=5)
    for trouble in ({"state": "paused"}, {"state": "stopped"}, {"wait_until": later}):
        Relay.objects.filter(pk=first.pk).update(**trouble)
        assert mailings_for(second) == [mailing]
        Relay.objects.filter(pk=first.pk).update(state="active", wait_until=None)
        assert mailings_for(second) == []
    # While the first one only tries whether it can again, the second goes on.
    Relay.objects.filter(pk=first.pk).update(failures=1)
    assert (mailings_for(first), mailings_for(second)) == ([mailing], [mailing])


def test_a_draining_relay_ends_what_it_began(make_relay: Make, make_mailing: Make) -> None:
    relay = make_relay()
    before, after = make_mailing(), make_mailing()
    relay.state, relay.draining_since = Relay.State.DRAINING, before.opened_at
    relay.save()
    assert mailings_for(relay) == [before]
    assert after.opened_at > before.opened_at
