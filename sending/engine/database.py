"""The one thread of a shift that talks to the database, with a connection of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connection

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `work` after all that was asked before. A cancelled caller doesn't stop it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: _work(work, *args, **kwargs))

    def close(self) -> None:
        self._thread.submit(_close).result()
        self._thread.shutdown()


def _work(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    # A connection that the server closed is made anew, as at the begin of a request.
    close_old_connections()
    return work(*args, **kwargs)


def _close() -> None:
    # The thread's own, as it is asked for here.
    connection.close()
