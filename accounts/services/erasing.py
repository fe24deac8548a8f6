"""Erases a deleted workspace with all rows that depend on it, in all apps.

Django's own cascade would read every row into memory; a workspace can hold ten million messages.
This module does the same table by table, in sets. It takes the order from the foreign keys.
"""

from collections.abc import Collection, Iterable
from graphlib import TopologicalSorter
from typing import Any

from django.db.models import CASCADE, PROTECT, SET_NULL, Model

from accounts.models import Workspace

BATCH = 50_000
# {table: lookup from the table to its workspace, such as "list__workspace"}.
Ways = dict[type[Model], str]


def erase(workspace_id: int) -> None:
    """Erases a workspace that is marked as deleted, with all rows that depend on it. Leaves any
    other workspace alone. After an interruption a second call continues."""
    workspace = Workspace.objects.exclude(deleted_at=None).filter(pk=workspace_id).first()
    if workspace is None:
        return
    for model, way in erasing_order():
        _delete(model, way, workspace)
    workspace.delete()


def erasing_order() -> list[tuple[type[Model], str]]:
    """[(table, lookup to its workspace)], each before the tables that it refers to. Tables that no
    other table refers to come first; campaigns are among them, so no scheduled campaign starts."""
    ways = _ways()
    sorter: TopologicalSorter[type[Model]] = TopologicalSorter(dict.fromkeys(ways, ()))
    for model in ways:
        # SET_NULL too: we bypass Django's collector, so no reference is set to NULL.
        for relation in _dependants(model, (CASCADE, PROTECT, SET_NULL)):
            if relation in ways and relation is not model:
                sorter.add(model, relation)
    sorter.prepare()
    order: list[type[Model]] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda m: (ways[m].count("__"), m.__name__))
        order += ready
        sorter.done(*ready)
    return [(model, ways[model]) for model in order]


def _ways() -> Ways:
    """Every table that depends on workspaces, with the shortest lookup."""
    ways: Ways = {}
    level: Ways = {Workspace: ""}
    while level:
        further: Ways = {}
        for model, way in level.items():
            for dependant, field in _dependants(model).items():
                if dependant not in ways and dependant is not Workspace:
                    ways[dependant] = further[dependant] = f"{field}__{way}" if way else field
        level = further
    return ways


def _dependants(
    model: type[Model], on_delete: Collection[Any] = (CASCADE, PROTECT)
) -> dict[type[Model], str]:
    """{table that refers to this one: its field}. By default only tables whose rows are deleted
    together with this table's rows."""
    relations: Iterable[Any] = model._meta.get_fields(include_hidden=True)  # noqa: SLF001 - documented
    return {
        relation.related_model: relation.field.name
        for relation in relations
        if (relation.one_to_many or relation.one_to_one)
        and relation.auto_created
        and relation.on_delete in on_delete
    }


def _delete(model: type[Model], way: str, workspace: Workspace) -> None:
    """Deletes in batches, each committed: a killed worker loses little, and locks stay short."""
    rows: Any = model._base_manager  # noqa: SLF001 - documented; a default manager may hide rows
    batch = rows.filter(**{way: workspace.pk}).order_by().values("pk")[:BATCH]
    while True:
        # Bypasses Django's collector, whose work this module does.
        deleted = rows.filter(pk__in=batch)._raw_delete(rows.db)  # noqa: SLF001
        if deleted < BATCH:
            return
