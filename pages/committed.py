"""When something has really happened: once the transaction at hand is committed."""

from collections.abc import Callable

from django.db import connection, transaction


def when_committed(call: Callable[[], None]) -> None:
    """As transaction.on_commit, which asks the database where no transaction is open."""
    if connection.in_atomic_block:
        transaction.on_commit(call)
    else:
        call()
