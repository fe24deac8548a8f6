"""Connections of a relay, shared by processes that come, go and die."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from relays.models import Relay, RelayMinute, RelaySlot
from relays.queries import slots
from relays.services import pace
from tests.relays.pace.conftest import NOON, Clock

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


class Worker:
    """A process that opens as many connections as it may."""

    def __init__(self, relay: Relay, name: str) -> None:
        self.name = name
        self.open = 0
        taken = pace.take_slot(relay, name)
        assert taken is not None
        self.slot: pace.Slot | None = taken

    def renew(self) -> int:
        if self.slot is not None:
            self.slot = pace.renew_slot(self.slot, self.name, open=self.open)
        self.open = self.slot.connections if self.slot else 0
        return self.open


def test_who_is_alone_has_all(make_relay: Make, stepped: Clock) -> None:
    worker = Worker(make_relay(connections=10), "a")
    assert worker.renew() == 10


def test_who_comes_later_gets_what_the_others_give_up(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(connections=10)
    first = Worker(relay, "a")
    first.renew()
    workers = [first, Worker(relay, "b"), Worker(relay, "c")]
    assert workers[1].renew() == 0  # all are open elsewhere
    for _ in range(4):
        for worker in workers:
            worker.renew()
            assert sum(one.open for one in workers) <= 10
    assert sorted(one.open for one in workers) == [3, 3, 4]
    pace.free_slots("c")
    for _ in range(3):
        for worker in workers[:2]:
            worker.renew()
    assert [one.open for one in workers[:2]] == [5, 5]


def test_no_more_processes_than_connections_or_slots(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(connections=2)
    assert [pace.take_slot(relay, name) is not None for name in "abc"] == [True, True, False]
    wide = make_relay(connections=50)
    taken = [pace.take_slot(wide, name) is not None for name in "abcdef"]
    assert sum(taken) == pace.MOST_SLOTS


def test_a_dead_worker_s_share_comes_back(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(connections=4)
    dead, alive = Worker(relay, "a"), Worker(relay, "b")
    dead.renew()
    stepped.step(20)
    alive.renew()
    stepped.step(15)  # the lease of the other is over
    assert alive.renew() == 4
    assert dead.renew() == 0  # should it wake up, it waits for its turn


def test_a_lost_lease_is_told(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(connections=1)
    slot = pace.take_slot(relay, "a")
    assert slot is not None
    stepped.step(60)
    assert pace.take_slot(relay, "b") is not None
    assert pace.renew_slot(slot, "a", open=1) is None


def test_fewer_connections_are_felt_at_once(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(connections=8)
    worker = Worker(relay, "a")
    worker.renew()
    Relay.objects.update(connections=3)
    assert worker.renew() == 3


def test_what_the_server_takes_is_remembered(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(connections=None)
    worker = Worker(relay, "a")
    assert worker.renew() == 4
    Relay.objects.filter(pk=relay.pk).update(connections_found=9)
    assert worker.renew() == 9
    assert pace.too_many(relay, open=5) == 5
    relay.refresh_from_db()
    assert (relay.connections_found, relay.connections_refused_at) == (5, NOON)
    assert worker.renew() == 5


def test_an_owner_s_number_above_what_the_server_takes(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay(connections=20)
    assert pace.too_many(relay, open=5) == 5
    relay.refresh_from_db()
    assert pace.connections(relay) == 5
    stepped.step(7 * 3600)
    assert pace.connections(relay) == 20


def test_more_connections_while_they_help(
    make_relay: Make, stepped: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that gives ten mails a second to each of up to nine connections."""
    monkeypatch.setattr(
        slots.time,
        "monotonic",
        lambda: (stepped.moment - NOON).total_seconds(),  # noqa: PLW0108 - the moment moves
    )
    relay = make_relay(connections=None)
    worker = Worker(relay, "a")
    minute = RelayMinute.objects.create(relay=relay, minute=NOON, meaning="accepted")
    seen = []
    for _ in range(200):
        worker.renew()
        minute.count += 10 * min(worker.open, 9)
        minute.save()
        stepped.step(1)
        seen.append(worker.open)
    assert seen[0] == 4
    assert seen[-1] == 9
    assert max(seen) <= 14


def test_idle_connections_are_no_reason_for_more(
    make_relay: Make, stepped: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        slots.time,
        "monotonic",
        lambda: (stepped.moment - NOON).total_seconds(),  # noqa: PLW0108 - the moment moves
    )
    relay = make_relay(connections=None)
    slot = pace.take_slot(relay, "a")
    for _ in range(60):
        assert slot is not None
        slot = pace.renew_slot(slot, "a", open=2)
        stepped.step(1)
    assert slot is not None
    assert slot.connections == 4


def test_share_is_even_and_bounded_by_what_is_open() -> None:
    assert [
        slots.share(10, place, [(n, 0) for n in range(3) if n != place]) for place in range(3)
    ] == [
        4,
        3,
        3,
    ]
    assert slots.share(10, 1, [(0, 10)]) == 0
    assert slots.share(10, 1, [(0, 7)]) == 3
    assert slots.share(1, 1, [(0, 0)]) == 0


def test_leases_are_on_the_shared_clock(make_relay: Make, stepped: Clock) -> None:
    pace.take_slot(make_relay(connections=1), "a")
    assert RelaySlot.objects.get(holder="a").leased_until == NOON + timedelta(seconds=30)
