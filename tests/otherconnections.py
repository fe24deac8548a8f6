"""Other connections to the test's database, and what they hold meanwhile."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.db import connection, connections, transaction

# Of this database only: other workers test beside. A transaction that waits for another one has a
# table of its database locked. (pg_stat_activity would not change within a transaction.)
WAITING = """
SELECT count(*) FROM pg_locks w
 WHERE NOT granted AND EXISTS (
       SELECT FROM pg_locks h JOIN pg_database d ON d.oid = h.database
        WHERE h.pid = w.pid AND d.datname = current_database())
"""


def address() -> str:
    """Of this test's database, beside the one that the settings name."""
    name = connection.settings_dict["NAME"]
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def wait_until_one_waits(seconds: float = 30) -> None:
    """For another transaction, that is."""
    end = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute(WAITING)
            if cursor.fetchone() == (1,):
                return
    raise AssertionError


@contextmanager
def elsewhere(statement: str, *given: int | str) -> Iterator[None]:
    """Runs the statement in a transaction of another connection that lasts as long as the block."""
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, given)
                begun.set()
                over.wait(30)
        finally:
            begun.set()
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    try:
        yield
    finally:
        over.set()
        thread.join()
