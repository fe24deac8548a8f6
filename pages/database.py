"""Tells an unavailable database from a mistake in our code."""

from django.db import Error, InterfaceError, OperationalError

# Seconds after which a client may try again; a restart of PostgreSQL takes less.
RETRY_AFTER = 30
# SQLSTATE classes and codes: connection, insufficient resources, shutdown and recovery, a read-only
# standby. An error without SQLSTATE means that the connection failed or broke.
AWAY = ("08", "53", "57P", "25006")


def is_away(error: BaseException | None) -> bool:
    """Whether the error, or one in its chain of causes, means that the database is unavailable."""
    while error is not None:
        if isinstance(error, Error):
            code = getattr(error.__cause__, "sqlstate", None)
            if code:
                return str(code).startswith(AWAY)
            return isinstance(error, OperationalError | InterfaceError)
        error = error.__cause__ or error.__context__
    return False
