"""Prints the progress of a long start: a line for each step, and reminders while it lasts."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Seconds between two lines about the same step.
REMIND_EVERY = 10.0


@dataclass
class StartStep:
    """A step of the start. `detail`: what it waits for."""

    words: str
    detail: str = ""


class Steps:
    """Prints steps by `say`. `now`: monotonic seconds."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        now: Callable[[], float] = time.monotonic,
        every: float = REMIND_EVERY,
    ) -> None:
        self.say = say
        self.now = now
        self.every = every
        self.begun = now()

    @contextmanager
    def __call__(self, words: str) -> Iterator[StartStep]:
        step = StartStep(words)
        begun = self.now()
        over = threading.Event()
        self._line(f"{words[0].upper()}{words[1:]}")
        reminder = threading.Thread(target=self._remind, args=(step, begun, over), daemon=True)
        reminder.start()
        try:
            yield step
        finally:
            over.set()
            reminder.join()

    def _remind(self, step: StartStep, begun: float, over: threading.Event) -> None:
        while not over.wait(self.every):
            detail = f": {step.detail}" if step.detail else ""
            self._line(f"Still {step.words}, {self.now() - begun:.0f} s so far{detail}")

    def _line(self, words: str) -> None:
        self.say(f"{self.now() - self.begun:5.1f} s  {words}")
