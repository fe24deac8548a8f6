"""Querysets as parts of handwritten SQL statements."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet


def sql_of(rows: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """The SQL and parameters of a queryset. For a queryset that is known to be empty, such as
    `pk__in=[]`, Django makes no SQL; the result is then a query with the same columns and no
    rows."""
    found: tuple[str, tuple[Any, ...]]
    try:
        found = rows.query.sql_with_params()
    except EmptyResultSet:
        manager = rows.model._base_manager  # noqa: SLF001 - documented
        nothing = manager.extra(where=["false"]).values(*rows.query.values_select)
        found = nothing.query.sql_with_params()
    return found


def named(rows: QuerySet[Any, Any]) -> tuple[str, dict[str, Any]]:
    """The same with named parameters, for use inside a statement with other named parameters."""
    sql, parameters = sql_of(rows)
    names = {f"row{number}": value for number, value in enumerate(parameters)}
    # Operators with a percent sign, which is written twice, keep it.
    return sql.replace("%%", "%%%%") % tuple(f"%({name})s" for name in names), names
