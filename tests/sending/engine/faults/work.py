"""What the workers of a nursery do."""

import mmap
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import psutil
from django.db import Error, close_old_connections
from django.utils import timezone

from config.celery import app
from sending.engine import deliveryagent, shift, stopping
from sending.services import recovery
from smtp import Timeouts, config

HOUR = 3600.0


def engine(*, percent: float | None = None, clock: float = 0.0, safe: float | None = None) -> None:
    """Turns without end, as Celery would give them, until SIGTERM. `percent`: of the timeouts;
    `clock`: by how many seconds this host's is wrong; `safe`: seconds for which it trusts its
    leases."""
    _prepare(percent)
    if safe is not None:
        deliveryagent.SAFE = safe
    stopping._flag = mmap.mmap(-1, 1)  # its own, as another worker's
    signal.signal(signal.SIGTERM, lambda *_: stopping.ask())
    signal.signal(signal.SIGUSR1, lambda *_: _set_clock(HOUR))
    signal.signal(signal.SIGUSR2, lambda *_: _set_clock(-HOUR))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    if clock:
        _set_clock(clock)
    while not stopping.asked():
        close_old_connections()
        try:
            recovery.recover_journals()
            shift.run_all(linger=0.1)
        except Error:
            pass  # the database is away; so says the log
        time.sleep(0.01)


def celery(*, percent: float | None = None, processes: int = 1) -> None:
    """A Celery worker of the send queue, as `manage.py up` starts it."""
    _prepare(percent)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    app.worker_main(["worker", "-Q", "send", "-c", str(processes), *quiet])


def _prepare(percent: float | None) -> None:
    if percent is not None:
        scaled = Timeouts().scaled(percent / 100)
        config.use(replace(config.current(), timeouts=scaled))


def _set_clock(seconds: float) -> None:
    """This process's wall clock is stepped; the machine's, other processes' and the monotonic one
    stay."""
    was, booted = time.time, psutil.boot_time
    time.time = lambda: was() + seconds
    # The kernel derives it from the wall clock.
    psutil.boot_time = lambda: booted() + seconds
    earlier: Any = vars(timezone)["datetime"]

    class Shifted(earlier):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            moment: datetime = earlier.now(tz)
            return moment + timedelta(seconds=seconds)

    timezone.datetime = Shifted  # type: ignore[attr-defined]


KINDS: dict[str, Callable[..., None]] = {"engine": engine, "celery": celery}
