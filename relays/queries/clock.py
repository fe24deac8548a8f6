"""The clock that all workers share: PostgreSQL's. A host whose own is wrong changes nothing."""

import time
from datetime import datetime
from typing import cast

from django.db import connection


def now() -> datetime:
    """The moment, also inside of a transaction. What is held against it never asks the host."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cast("datetime", cursor.fetchall()[0][0])


# Linux's monotonic clock stands still while the machine is suspended.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Seconds since some moment, which nobody sets, and which go on while this host sleeps: by them
    a worker knows that its leases may have ended."""
    return time.clock_gettime(_STEADY)
