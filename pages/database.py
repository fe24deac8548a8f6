"""Whether an error means that the database is away, and not that we made a mistake."""

from django.db import Error, InterfaceError, OperationalError

# Seconds after which a client may try again; a restart of PostgreSQL takes less.
RETRY_AFTER = 30
# SQLSTATE classes and codes: connection, insufficient resources, shutdown and recovery, a standby
# that takes no writes. Without one, no connection was made, or it broke.
AWAY = ("08", "53", "57P", "25006")


def is_away(error: BaseException | None) -> bool:
    """By what PostgreSQL said, wherever in the chain of causes it is."""
    while error is not None:
        if isinstance(error, Error):
            code = getattr(error.__cause__, "sqlstate", None)
            if code:
                return str(code).startswith(AWAY)
            return isinstance(error, OperationalError | InterfaceError)
        error = error.__cause__ or error.__context__
    return False
