"""What the engine finds alone, with nothing but host, user and password: servers with limits that
nobody named, on a clock of our own."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from relays import connectioncount, lanes
from relays.connectioncount import Search
from relays.lanes import LaneSample, LaneState
from tests.relays.pace.conftest import NOON

TICK = 1.0


@dataclass
class Run:
    """One lane, fed as fast as it allows and the sender can; a batch a second."""

    able: float
    state: LaneState = field(default_factory=LaneState)
    second: int = 0
    accepted: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311

    def tick(self, answer: Callable[[int], tuple[int, int, float]]) -> None:
        """`answer`: (accepted, refused, latency) of so many messages in this second."""
        now = NOON + timedelta(seconds=self.second)
        wanted = self._wanted(now)
        good, bad, latency = answer(wanted) if wanted else (0, 0, 0.0)
        self.accepted.append(good)
        self.refused.append(bad)
        if wanted:
            seen = LaneSample(good, bad, 0, TICK, good / TICK or None, latency, "454 slow down")
            self.state = lanes.learn(self.state, seen, now, self.chance.uniform(0.8, 1.2))
        self.second += 1

    def _wanted(self, now: object) -> int:  # noqa: ARG002
        moment = NOON + timedelta(seconds=self.second)
        if self.state.closed(moment):
            return 0
        if self.state.closed_until is not None:
            self.state = lanes.probe(self.state, moment)
            return 1
        rate = self.able if self.state.rate is None else min(self.able, self.state.rate)
        # What is less than one message goes by chance, and in the mean comes out.
        return int(rate) + (self.chance.random() < rate % 1)

    def last(self, seconds: int) -> tuple[float, float]:
        """(accepted, refused) a second over the last so many."""
        return sum(self.accepted[-seconds:]) / seconds, sum(self.refused[-seconds:]) / seconds


@pytest.mark.parametrize("limit", [3, 14, 100])
def test_a_relay_that_answers_454_above_its_rate(limit: int) -> None:
    run = Run(able=400)
    for _ in range(1200):
        run.tick(lambda wanted: (min(wanted, limit), max(0, wanted - limit), 0.05))
    good, bad = run.last(900)
    assert good >= 0.8 * limit
    assert bad <= 0.02 * limit
    # The first second costs what it costs; from the second minute on they are few.
    assert sum(run.refused[60:]) <= 0.02 * sum(run.accepted[60:]) + 20


def test_a_limit_that_is_raised_is_found_within_minutes() -> None:
    run = Run(able=400)
    for second in range(1500):
        limit = 14 if second < 600 else 140
        run.tick(lambda wanted, limit=limit: (min(wanted, limit), max(0, wanted - limit), 0.05))
    assert run.last(300)[0] >= 0.8 * 140


def test_a_limit_that_is_gone_is_forgotten() -> None:
    run = Run(able=400)
    for second in range(600):
        limit = 14 if second < 120 else 1000
        run.tick(lambda wanted, limit=limit: (min(wanted, limit), max(0, wanted - limit), 0.05))
    assert not run.state.known
    assert run.accepted[-1] == 400


def test_a_server_that_closes_the_door_is_asked_ever_more_rarely() -> None:
    run = Run(able=400)
    for second in range(3600):
        run.tick(
            lambda wanted, open_=second < 30: (wanted, 0, 0.05) if open_ else (0, wanted, 0.05)
        )
    after = run.refused[30:]
    assert sum(after[300:]) <= 12  # probes
    assert max(after[60:]) == 1


def test_a_relay_that_slows_down_when_it_is_pressed() -> None:
    """It takes 50 a second; what is above waits in its queue, and answers come later."""
    run, queue = Run(able=200), 0.0

    def answer(wanted: int) -> tuple[int, int, float]:
        nonlocal queue
        queue = max(0.0, queue + wanted - 50)
        return min(wanted, 50), 0, 0.05 + queue / 50

    for second in range(1200):
        run.tick((lambda wanted: (min(wanted, 40), 0, 0.05)) if second < 60 else answer)
    assert run.last(600)[0] >= 0.8 * 50


# -- connections -----------------------------------------------------------------------------------


def search(seconds: int, rate: Callable[[int], float], most: int = 100) -> list[int]:
    """The number of connections tried in each second, at a server that accepts `rate` mails a
    second over so many, and no more connections than `most`."""
    found: Search = connectioncount.start(connectioncount.FIRST, 0.0, 0)
    mails, used, refused = 0.0, [], False
    for second in range(seconds):
        used.append(found.number)
        if found.number > most:
            number = connectioncount.allowed(found.number, most, 0)
            found, refused = connectioncount.start(number, second, int(mails)), True
        mails += rate(found.number)
        if not refused:  # the engine stops looking for hours
            found = connectioncount.step(found, second + 1.0, int(mails))
    return used


def test_more_connections_as_long_as_they_bring_more() -> None:
    used = search(300, lambda number: 20.0 * min(number, 12))
    assert used[0] == connectioncount.FIRST
    assert 20.0 * min(used[-1], 12) >= 0.8 * 240
    assert search(300, lambda number: 20.0 * number)[-1] == connectioncount.MOST


def test_a_relay_that_allows_five_connections() -> None:
    used = search(300, lambda number: 20.0 * number, most=5)
    assert used[-1] == 5
    assert sum(number > 5 for number in used) == 1  # one refusal, and never again


def test_a_relay_whose_latency_grows_with_the_connections() -> None:
    """Together they get 50 a second: four bring 40, and more than five only wait longer."""
    used = search(300, lambda number: min(10.0 * number, 50.0))
    assert min(10.0 * used[-1], 50.0) >= 0.8 * 50
    assert used[-1] <= 6


def test_one_connection_less_when_the_server_says_so() -> None:
    assert connectioncount.allowed(6, 5, 0) == 5
    assert connectioncount.allowed(8, 2, 3) == 5
    assert connectioncount.allowed(4, 9, 9) == 3
    assert connectioncount.allowed(1, 0, 0) == 1
