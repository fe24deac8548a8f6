"""A bound on the processor time of something that must not grow faster than its input."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

# Processor time of `_work` on the quiet machine where the bounds were chosen.
USUAL = 0.02


def _work() -> None:
    text = "a b" * 1000
    for _ in range(300):
        sum(len(word) for word in text.split())


def slowness() -> float:
    """How many times longer this machine takes now, at least 1: its cores may be shared, and each
    then does less in a second of processor time."""
    begun = time.thread_time()
    _work()
    return max(1.0, (time.thread_time() - begun) / USUAL)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Of processor time, on a quiet machine; this process' other threads count, too."""
    before = slowness()
    begun = time.process_time()
    yield
    taken = time.process_time() - begun
    allowed = seconds * max(before, slowness())
    assert taken < allowed, f"{taken:.1f} s of processor time, {allowed:.1f} s allowed"
