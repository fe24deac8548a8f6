"""PostgreSQL's clock, which all workers share, so that a wrong clock of a host does no harm."""

import time
from datetime import datetime
from typing import cast

from django.db import connection


def now() -> datetime:
    """The present moment, also within a transaction. Compare it only with PostgreSQL's times, never
    with the host's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cast("datetime", cursor.fetchall()[0][0])


# Linux's monotonic clock stands still while the machine is suspended.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Seconds of a clock of this host that nobody sets and that also runs while the host is
    suspended. By it a worker knows that its leases may have ended."""
    return time.clock_gettime(_STEADY)
