"""Query sets as parts of statements that are written by hand."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet


def sql_of(rows: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """Its SQL and parameters. Of rows that can't exist, such as those of no id, Django makes none:
    then a query that gives nothing, with the same columns."""
    found: tuple[str, tuple[Any, ...]]
    try:
        found = rows.query.sql_with_params()
    except EmptyResultSet:
        manager = rows.model._base_manager  # noqa: SLF001 - documented
        nothing = manager.extra(where=["false"]).values(*rows.query.values_select)
        found = nothing.query.sql_with_params()
    return found


def named(rows: QuerySet[Any, Any]) -> tuple[str, dict[str, Any]]:
    """The same with the parameters by name, to stand inside a statement that has others."""
    sql, parameters = sql_of(rows)
    names = {f"row{number}": value for number, value in enumerate(parameters)}
    return sql % tuple(f"%({name})s" for name in names), names
