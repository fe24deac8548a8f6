"""What a rendering may spend, and until when. Pure.

One unit of fuel stands for about a microsecond: a node of the syntax tree, a short operation, 50
characters that are copied or compared. What is spent depends on the design and the values alone, so
the same mail ends at the same place on any machine. Two clocks are a second bound, for what nobody
foresaw: `fuelled` watches the processor's time of its thread, which a busy machine doesn't
lengthen, and `within` ends what a person waits for. No thread can be stopped from outside, so both
are looked at where fuel is paid, and no primitive between two payments is long.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from designs.exceptions import DesignsError

FUEL = 1_000_000
# Turns of all loops of one render together.
MOST_TURNS = 10_000
# Characters that one unit pays.
CHARACTERS = 50
# What an item of a list, or a number, counts in characters.
ITEM = 10
# Seconds of a processor for one render; what fuel allows takes about one.
MOST_SECONDS = 5.0
# The clocks are looked at each time so much was spent.
BETWEEN_LOOKS = 20_000


class LimitError(DesignsError):
    """An expression asked for more than it may have."""


class TimeUpError(LimitError):
    """A person waited long enough."""


class Fuel:
    """What is left to one render."""

    __slots__ = ("begun", "left", "look_at", "turns")

    def __init__(self) -> None:
        self.left = FUEL
        self.turns = MOST_TURNS
        self.look_at = FUEL - BETWEEN_LOOKS
        # Of the thread's processor time, at the first look.
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
# time.monotonic() at which a person waited long enough.
_until: ContextVar[float] = ContextVar("until")


@contextmanager
def fuelled() -> Iterator[Fuel]:
    """What is rendered inside pays."""
    fuel = Fuel()
    token = _fuel.set(fuel)
    try:
        yield fuel
    finally:
        _fuel.reset(token)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done inside raises TimeUpError after so long. The earlier end counts."""
    until = min(time.monotonic() + seconds, _until.get(float("inf")))
    token = _until.set(until)
    try:
        yield
    finally:
        _until.reset(token)


def in_time() -> None:
    """To be called between steps of what may take long. Raises TimeUpError."""
    if time.monotonic() > _until.get(float("inf")):
        raise TimeUpError("the time for this is up")


def burn(amount: int) -> None:
    """Pays; nothing happens outside of `fuelled`."""
    # Without fuel: what can't spend it all (designs.spending.worst).
    fuel = _fuel.get(None)
    if fuel is not None:
        fuel.burn(amount)


def turn(cost: int) -> None:
    """Pays for a turn of a loop."""
    fuel = _fuel.get()
    fuel.burn(cost)
    fuel.turns -= 1
    if fuel.turns < 0:
        raise LimitError(f"loops run more than {MOST_TURNS} times")


def size(value: Any) -> int:
    """The characters that an operation on the value may have to look at."""
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
    """Of a short operation that looks at so many characters."""
    return 2 + characters // CHARACTERS


def price_of_search(text: int, searched: int) -> int:
    """Of looking for a text of `searched` characters in one of `text`. Python compares the one at
    each place of the other; where both are long, no more than 2,500 times."""
    places = min(max(text - searched + 1, 1), 2_500 if searched >= 100 else text + 1)
    return price(text + searched) + places * searched // 1_000
