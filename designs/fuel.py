"""Limits the work and the time of a rendering. Pure.

One unit of fuel stands for about a microsecond: a node of the syntax tree, a short operation, 50
copied or compared characters. The fuel that a mail spends depends only on the design and the
values, so a mail that exceeds the limit fails at the same place on every machine. Two clocks are a
second limit, for unforeseen costs: `fuelled` limits the processor time of its thread, which doesn't
depend on the load of the machine; `within` limits the time that a person waits. A thread can't be
stopped from outside, so both clocks are checked when fuel is paid. No operation between two
payments is long.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from designs.exceptions import DesignsError

FUEL = 1_000_000
# Iterations of all loops of one render together.
MOST_TURNS = 10_000
# Characters that one unit of fuel pays for.
CHARACTERS = 50
# Characters that an item of a list, or a number, counts as.
ITEM = 10
# Processor seconds for one render. Spending all fuel takes about one second.
MOST_SECONDS = 5.0
# Fuel between two checks of the clocks.
BETWEEN_LOOKS = 20_000


class LimitError(DesignsError):
    """An expression exceeds a limit."""


class TimeUpError(LimitError):
    """The time that a person waits for the result is over."""


class Fuel:
    """The fuel and loop iterations that are left to one render."""

    __slots__ = ("begun", "left", "look_at", "turns")

    def __init__(self) -> None:
        self.left = FUEL
        self.turns = MOST_TURNS
        self.look_at = FUEL - BETWEEN_LOOKS
        # The thread's processor time at the first check.
        self.begun: float | None = None

    def burn(self, amount: int) -> None:
        self.left -= amount
        if self.left < self.look_at:
            self._look()

    def _look(self) -> None:
        if self.left < 0:
            raise LimitError("this takes too long; use smaller loops")
        self.look_at = max(self.left - BETWEEN_LOOKS, 0)
        in_time()
        now = time.thread_time()
        if self.begun is None:
            self.begun = now
        if now - self.begun > MOST_SECONDS:
            raise LimitError("this takes too long; use smaller loops")


_fuel: ContextVar[Fuel] = ContextVar("fuel")
# time.monotonic() at which the waiting time is over.
_until: ContextVar[float] = ContextVar("until")


@contextmanager
def fuelled() -> Iterator[Fuel]:
    """A rendering inside the block pays fuel."""
    fuel = Fuel()
    token = _fuel.set(fuel)
    try:
        yield fuel
    finally:
        _fuel.reset(token)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Work inside the block raises TimeUpError after so many seconds. In nested blocks the earlier
    end counts."""
    until = min(time.monotonic() + seconds, _until.get(float("inf")))
    token = _until.set(until)
    try:
        yield
    finally:
        _until.reset(token)


def in_time() -> None:
    """Call it between the steps of long work. Raises TimeUpError."""
    if time.monotonic() > _until.get(float("inf")):
        raise TimeUpError("the time for this is up")


def burn(amount: int) -> None:
    """Pays fuel. Does nothing outside `fuelled`."""
    # A part that can't exceed its limits runs without fuel (designs.spending.worst).
    fuel = _fuel.get(None)
    if fuel is not None:
        fuel.burn(amount)


def turn(cost: int) -> None:
    """Pays for an iteration of a loop."""
    fuel = _fuel.get()
    fuel.burn(cost)
    fuel.turns -= 1
    if fuel.turns < 0:
        raise LimitError(f"loops run more than {MOST_TURNS} times")


def size(value: Any) -> int:
    """The number of characters that an operation on the value may have to read."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(len(one) if isinstance(one, str) else ITEM for one in value)
    if isinstance(value, range):
        return ITEM * len(value)
    if isinstance(value, Mapping):
        return size(list(value)) + size(list(value.values()))
    return ITEM


def price(characters: int) -> int:
    """The fuel for a short operation that reads so many characters."""
    return 2 + characters // CHARACTERS


def price_of_search(text: int, searched: int) -> int:
    """The fuel for a search of `searched` characters in a text of `text` characters. Python
    compares at each place of the text; if both are long, at most 2,500 times."""
    places = min(max(text - searched + 1, 1), 2_500 if searched >= 100 else text + 1)
    return price(text + searched) + places * searched // 1_000
