"""Limits how many mails one process renders at once for waiting people: previews, checks, test
mails.

A rendering uses the processor until its fuel is spent, and it holds a thread of the web server. So
few mails are rendered at once, one per workspace, and few requests wait. Others get BusyError.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from designs.fuel import TimeUpError, within

# A web process has eight threads. So many may render at once; the others serve other pages.
AT_ONCE = 2
MOST_WAITING = 4
MOST_WAITING_OF_ONE = 3
# Seconds to wait for a place, and to render.
LONGEST_WAIT = 2.0
LONGEST_WORK = 4.0


class BusyError(TimeUpError):
    """Too many mails are being rendered."""


class Places:
    def __init__(self) -> None:
        self.changed = threading.Condition()
        # By workspace.
        self.working: set[int] = set()
        self.waiting: Counter[int] = Counter()

    @contextmanager
    def one(self, workspace: int) -> Iterator[None]:
        """Takes a place for the workspace. Raises BusyError. Work inside the block raises
        TimeUpError (designs.fuel) after LONGEST_WORK."""
        self._take(workspace)
        try:
            with within(LONGEST_WORK):
                yield
        finally:
            with self.changed:
                self.working.discard(workspace)
                self.changed.notify_all()

    def _take(self, workspace: int) -> None:
        with self.changed:
            if not self._is_free(workspace):
                of_one = self.waiting[workspace] >= MOST_WAITING_OF_ONE
                if of_one or self.waiting.total() >= MOST_WAITING:
                    raise BusyError("too many are waiting")
                self.waiting[workspace] += 1
                try:
                    came = self.changed.wait_for(lambda: self._is_free(workspace), LONGEST_WAIT)
                finally:
                    self.waiting[workspace] -= 1
                if not came:
                    raise BusyError("nobody was ready in time")
            self.working.add(workspace)

    def _is_free(self, workspace: int) -> bool:
        return len(self.working) < AT_ONCE and workspace not in self.working


PLACES = Places()
