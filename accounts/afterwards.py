"""Work that runs after the response, in a thread of this process.

The time of the response then tells nothing about the work, such as whether an account exists.

A killed process loses the waiting work, so use it only for work that the person can request again.
"""

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from environment import logs

log = logs.get(__name__)
# Limit of waiting work, above what a mail server takes at once. Further work is dropped and logged.
MOST = 100
_thread = ThreadPoolExecutor(1, thread_name_prefix="afterwards")


def run(work: Callable[[], object]) -> None:
    """Queues the work, with the language and the log reference of this request."""
    if _thread._work_queue.qsize() < MOST:  # noqa: SLF001  # there is no other way to ask
        _thread.submit(contextvars.copy_context().run, _done, work)
    else:
        log.error("too much is waiting to be done: something was left out")


def _done(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("work that a request left behind failed")
    finally:
        connections.close_all()
