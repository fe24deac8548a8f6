"""Servers in a thread of their own: that of the test may have a loop already (Playwright's)."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def looping() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs; its tasks are cancelled in the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_end(loop), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_default_executor()


@contextmanager
def serving(session: Session, *, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server; `session` talks with each client, whose leaving is no error."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await session(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    with looping() as loop:
        starting = asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
        server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(server.close)
