"""Calls a function when the current transaction is committed."""

from collections.abc import Callable

from django.db import connection, transaction


def when_committed(call: Callable[[], None]) -> None:
    """Like transaction.on_commit, but without a database connection if no transaction is open."""
    if connection.in_atomic_block:
        transaction.on_commit(call)
    else:
        call()
