"""Keeps the lease of a worker while it works.

A batch renews the lease when it is committed, but one statement may take longer than the lease: on
a busy server, or for very wide rows; and a packed file is read in one transaction. Another worker
would take the row over then, and the work would be done in vain, again and again.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from django.db import Error, connections
from django.db.models import QuerySet
from django.utils import timezone

from environment import logs

log = logs.get(__name__)


@contextmanager
def renewed(
    rows: QuerySet[Any],
    lease: timedelta,
    *,
    most: float = math.inf,
    lost: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Renew the lease (`leased_until`) of these rows three times a lease until the block ends, in a
    thread with its own connection; for `most` seconds, so that a worker that hangs loses them.
    `rows` must select only what is still ours; `lost` is called, in the thread, when there are none
    any more. A killed process renews nothing. After an error of
    the database nothing is renewed either: it may have ended the worker's transaction, too, and
    another worker goes on when the lease has run out."""
    over = Event()
    until = time.monotonic() + most

    def renew() -> None:
        try:
            while not over.wait(lease.total_seconds() / 3) and time.monotonic() < until:
                if not rows.update(leased_until=timezone.now() + lease):
                    lost()
                    return
        except Error as error:
            log.warning("a lease was not renewed", error=error)
        finally:
            connections.close_all()

    thread = Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
