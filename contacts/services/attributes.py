"""The workspace's own fields of its contacts."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User, Workspace
from contacts import columns
from contacts.models import Attribute, Contact, Import, Job
from contacts.queries import importing
from contacts.services import jobs, segments
from pages import statements
from pages.oneline import one_line

# The kind of job that deletes the values of attributes.
DELETE = "delete_attribute"
# The kind of conditions of segments about attributes.
KIND = "attribute"
T = TypeVar("T")


def add(
    workspace: Workspace, *, label: str, type_: str, choices: Sequence[str] = (), group: str = ""
) -> Attribute:
    """A new attribute at the end of its group; its merge field is made from the label."""
    own = Attribute.objects.filter(workspace=workspace)
    taken = {*own.values_list("key", flat=True), *being_dropped(workspace.pk)}
    made = Attribute.objects.create(
        workspace=workspace,
        key=columns.key_of(label, taken),
        label=label,
        type=type_,
        choices=[one_line(choice) for choice in choices],
        group=group,
    )
    arrange(workspace)
    made.refresh_from_db()
    return made


# Order and groups --------------------------------------------------------------------------------


@transaction.atomic
def arrange(workspace: Workspace, order: Sequence[int] = ()) -> None:
    """Put attributes into this order of ids; those that it does not name keep their place after
    them. Attributes of one group come together: a group is where its first attribute is."""
    own = list(Attribute.objects.select_for_update().filter(workspace=workspace))
    places = {pk: place for place, pk in enumerate(order)}
    own.sort(key=lambda one: places.get(one.pk, len(places)))
    groups = list(dict.fromkeys(one.group for one in own))
    own.sort(key=lambda one: groups.index(one.group))
    for position, one in enumerate(own):
        one.position = position
    Attribute.objects.bulk_update(own, ["position"])


def move(attribute: Attribute, step: int) -> None:
    """One place up (-1) or down (1) in its group."""
    own = Attribute.objects.filter(workspace_id=attribute.workspace_id, group=attribute.group)
    _move(attribute.workspace, list(own.values_list("pk", flat=True)), attribute.pk, step)


def move_group(workspace: Workspace, group: str, step: int) -> None:
    """A whole group one place up (-1) or down (1)."""
    own = Attribute.objects.filter(workspace=workspace).values_list("group", "pk")
    groups: dict[str, list[int]] = {}
    for name, pk in own:
        groups.setdefault(name, []).append(pk)
    names = _moved(list(groups), group, step)
    arrange(workspace, [pk for name in names for pk in groups[name]])


def _move(workspace: Workspace, ids: list[int], pk: int, step: int) -> None:
    """Change places within `ids`; the others keep theirs."""
    everybody = list(Attribute.objects.filter(workspace=workspace).values_list("pk", flat=True))
    moved = iter(_moved(ids, pk, step))
    arrange(workspace, [next(moved) if one in ids else one for one in everybody])


def _moved(items: list[T], item: T, step: int) -> list[T]:
    at = items.index(item) if item in items else -1
    if at < 0:
        raise Attribute.DoesNotExist
    items.insert(min(max(at + step, 0), len(items) - 1), items.pop(at))
    return items


def groups(workspace: Workspace) -> list[str]:
    """The names of its groups, in their order."""
    own = Attribute.objects.filter(workspace=workspace).exclude(group="")
    return list(dict.fromkeys(own.values_list("group", flat=True)))


def rename_group(workspace: Workspace, group: str, name: str) -> None:
    """Rename it; "" takes its attributes out of it. With the name of another group, both become
    one."""
    Attribute.objects.filter(workspace=workspace, group=group).update(group=one_line(name))
    arrange(workspace)


@transaction.atomic
def without(attribute: Attribute, choices: Sequence[str]) -> list[str]:
    """Choices that it has now, and would not have with these."""
    kept = {one_line(choice) for choice in choices}
    return [choice for choice in attribute.choices if choice not in kept]


def change(attribute: Attribute, *, label: str, choices: Sequence[str], group: str = "") -> None:
    """Rename it, or change its choices or group; values that contacts have stay."""
    moved = attribute.group != group
    attribute.label = label
    attribute.choices = [one_line(choice) for choice in choices]
    attribute.group = group
    attribute.save(update_fields=["label", "choices", "group"])
    if moved:
        everybody = Attribute.objects.filter(workspace_id=attribute.workspace_id)
        others = everybody.exclude(pk=attribute.pk).values_list("pk", flat=True)
        arrange(attribute.workspace, list(others))


# Values and deletion -----------------------------------------------------------------------------


def used_by(some: Iterable[Attribute]) -> int:
    """How many contacts have a value of one of these attributes, which are of one workspace."""
    keys = {one.key: one.workspace_id for one in some}
    people = Contact.objects.filter(workspace_id__in=set(keys.values()))
    return people.filter(attributes__has_any_keys=list(keys)).count()


def delete(attribute: Attribute, *, by: User | None = None) -> int | Job:
    """Delete it with the contacts' values. Returns as `delete_many`."""
    return delete_many(attribute.workspace, [attribute], by=by)


@transaction.atomic
def delete_many(
    workspace: Workspace, some: Sequence[Attribute], *, by: User | None = None
) -> int | Job:
    """Delete them with the contacts' values. Returns how many contacts had one.

    If they are many, a job deletes the values, and the job is returned; the attributes themselves
    are deleted at once. It waits for the batch of an import, which may write values; later batches
    find that an attribute is gone.
    """
    importing.wait_for_turn(workspace.pk)
    people = Contact.objects.filter(workspace=workspace)
    for one in some:
        # No key has a space: an attribute that is made later with the same key is another thing.
        gone = f"{one.key} {one.pk}"
        segments.remember(workspace, KIND, one.key, one.label, gone=gone)
    keys = [one.key for one in some]
    given = {"keys": keys, "names": [one.label for one in some]}
    large = jobs.is_large(people)
    had = 0 if large else drop_values(people, keys)
    Attribute.objects.filter(pk__in=[one.pk for one in some]).delete()
    return jobs.start(workspace, DELETE, given, by=by, last=jobs.highest(people)) if large else had


def having(workspace_id: int, keys: Sequence[str]) -> QuerySet[Contact]:
    """The contacts with a value of one of these keys."""
    people = Contact.objects.filter(workspace=workspace_id)
    return people.filter(attributes__has_any_keys=list(keys))


def drop_values(people: QuerySet[Contact], keys: Sequence[str]) -> int:
    """Remove the values of these keys from these contacts. Returns how many had one."""
    some = people.filter(attributes__has_any_keys=list(keys))
    ids, parameters = statements.sql_of(some.order_by().values("pk"))
    with connection.cursor() as cursor:
        # By an operator of jsonb: the ORM would read and write each contact.
        cursor.execute(
            f"UPDATE contacts_contact SET attributes = attributes - %s::text[] WHERE id IN ({ids})",  # noqa: S608 - the query is Django's own, its values are parameters
            [list(keys), *parameters],
        )
        return int(cursor.rowcount)


def being_dropped(workspace_id: int) -> set[str]:
    """Keys of deleted attributes that can't be used again yet: a job still deletes the values, or
    an import that is under way has a column for it."""
    jobs_of = Job.objects.filter(workspace=workspace_id, kind=DELETE)
    going = jobs_of.exclude(state__in=[Job.State.FINISHED, Job.State.CANCELLED])
    keys = going.values_list("parameters__keys", flat=True)
    return set().union(*keys) | _still_imported(workspace_id)


def _still_imported(workspace_id: int) -> set[str]:
    under_way = Import.objects.filter(
        workspace=workspace_id, state__in=[Import.State.QUEUED, Import.State.RUNNING]
    )
    mappings = under_way.values_list("mapping", flat=True)
    named = set().union(*(columns.keys_in(mapping) for mapping in mappings))
    there = Attribute.objects.filter(workspace=workspace_id, key__in=named)
    return named - set(there.values_list("key", flat=True))
