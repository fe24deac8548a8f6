"""Counts rows as long as it takes no longer than a page may wait."""

from typing import Any

from django.db import OperationalError, connections, transaction
from django.db.models import QuerySet

# SQLSTATE of PostgreSQL: query_canceled.
CANCELLED = "57014"
LIMIT = "SELECT set_config('statement_timeout', %s, true)"


def within(milliseconds: int, rows: QuerySet[Any]) -> int | None:
    """The number of rows; None: counting them takes longer."""
    try:
        with transaction.atomic(rows.db), connections[rows.db].cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (before,) = cursor.fetchone()
            cursor.execute(LIMIT, [str(milliseconds)])
            counted = rows.count()
            cursor.execute(LIMIT, [before])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != CANCELLED:
            raise
        return None
    return counted
