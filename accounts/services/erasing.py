"""Erasing what a deleted workspace held: everything that depends on it, whatever app it is of.

Django's own cascade would read every row into memory; a workspace can hold ten million messages.
Here the same is done in sets, table by table, by what the models' foreign keys say.
"""

from collections.abc import Collection, Iterable
from graphlib import TopologicalSorter
from typing import Any

from django.db.models import CASCADE, PROTECT, SET_NULL, Model

from accounts.models import Workspace

BATCH = 50_000
# Way from a table to its workspace, as a lookup ("list__workspace"), by table.
Ways = dict[type[Model], str]


def erase(workspace_id: int) -> None:
    """Erases a deleted workspace and all that depends on it; one that isn't deleted stays.
    Running it again goes on."""
    workspace = Workspace.objects.exclude(deleted_at=None).filter(pk=workspace_id).first()
    if workspace is None:
        return
    for model, way in erasing_order():
        _delete(model, way, workspace)
    workspace.delete()


def erasing_order() -> list[tuple[type[Model], str]]:
    """(table, its way to the workspace), each before the tables that it refers to. What nothing
    refers to goes first, campaigns among it: nothing that is scheduled starts any more."""
    ways = _ways()
    sorter: TopologicalSorter[type[Model]] = TopologicalSorter(dict.fromkeys(ways, ()))
    for model in ways:
        # Also rows that would only lose the reference (SET_NULL): nobody sets it here.
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
    """Every table that depends on workspaces, by the shortest way."""
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
    """Tables that refer to this one, with the field; by default those whose rows go with its."""
    relations: Iterable[Any] = model._meta.get_fields(include_hidden=True)  # noqa: SLF001 - documented
    return {
        relation.related_model: relation.field.name
        for relation in relations
        if (relation.one_to_many or relation.one_to_one)
        and relation.auto_created
        and relation.on_delete in on_delete
    }


def _delete(model: type[Model], way: str, workspace: Workspace) -> None:
    """In batches, each committed: a worker that is killed loses little, and locks stay short."""
    rows: Any = model._base_manager  # noqa: SLF001 - documented; a default manager may hide rows
    batch = rows.filter(**{way: workspace.pk}).order_by().values("pk")[:BATCH]
    while True:
        # Without the collector, whose work this module does.
        deleted = rows.filter(pk__in=batch)._raw_delete(rows.db)  # noqa: SLF001
        if deleted < BATCH:
            return
