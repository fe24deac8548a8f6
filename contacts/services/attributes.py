"""The workspace's own fields of its contacts."""

from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from accounts.models import User, Workspace
from contacts import columns
from contacts.models import Attribute, Contact, Import, Job
from contacts.queries import importing
from contacts.services import jobs, segments
from pages import statements
from pages.oneline import one_line

# The kind of job that deletes an attribute's values.
DELETE = "delete_attribute"
# The kind of conditions of segments about attributes.
KIND = "attribute"


def add(workspace: Workspace, *, label: str, type_: str, choices: Sequence[str] = ()) -> Attribute:
    """A new attribute at the end; its merge field is made from the label."""
    own = Attribute.objects.filter(workspace=workspace)
    last = own.aggregate(last=Max("position"))["last"] or 0
    taken = {*own.values_list("key", flat=True), *being_dropped(workspace.pk)}
    key = columns.key_of(label, taken)
    return Attribute.objects.create(
        workspace=workspace,
        key=key,
        label=label,
        type=type_,
        choices=[one_line(choice) for choice in choices],
        position=last + 1,
    )


@transaction.atomic
def move(attribute: Attribute, step: int) -> None:
    """One place up (-1) or down (1)."""
    own = list(Attribute.objects.select_for_update().filter(workspace_id=attribute.workspace_id))
    at = next((n for n, other in enumerate(own) if other.pk == attribute.pk), None)
    if at is None:
        raise Attribute.DoesNotExist
    to = min(max(at + step, 0), len(own) - 1)
    own.insert(to, own.pop(at))
    for position, other in enumerate(own):
        other.position = position
    Attribute.objects.bulk_update(own, ["position"])


def used_by(attribute: Attribute) -> int:
    """How many contacts have a value of it."""
    people = Contact.objects.filter(workspace_id=attribute.workspace_id)
    return people.filter(attributes__has_key=attribute.key).count()


def segments_with(attribute: Attribute) -> list[tuple[str, str, int]]:
    """The segments that use it, as contacts.services.segments.used_by."""
    return segments.naming(attribute.workspace_id, KIND, attribute.key)


@transaction.atomic
def delete(attribute: Attribute, *, by: User | None = None) -> int | Job:
    """Delete it with the contacts' values. Returns how many contacts had one.

    If they are many, a job deletes the values, and the job is returned; the attribute itself is
    deleted at once. It waits for the batch of an import, which may write values; later batches find
    that the attribute is gone.
    """
    importing.wait_for_turn(attribute.workspace_id)
    people = Contact.objects.filter(workspace_id=attribute.workspace_id)
    workspace, key = attribute.workspace, attribute.key
    segments.remember(workspace, KIND, key, attribute.label)
    if not jobs.is_large(people):
        had = drop_values(people, key)
        attribute.delete()
        return had
    given = {"key": key, "name": attribute.label}
    attribute.delete()
    return jobs.start(workspace, DELETE, given, by=by, last=jobs.highest(people))


def drop_values(people: QuerySet[Contact], key: str) -> int:
    """Remove the value of this key from these contacts. Returns how many had one."""
    having = people.filter(attributes__has_key=key)
    ids, parameters = statements.sql_of(having.order_by().values("pk"))
    with connection.cursor() as cursor:
        # By an operator of jsonb: the ORM would read and write each contact.
        cursor.execute(
            f"UPDATE contacts_contact SET attributes = attributes - %s WHERE id IN ({ids})",  # noqa: S608 - the query is Django's own, its values are parameters
            [key, *parameters],
        )
        return int(cursor.rowcount)


def being_dropped(workspace_id: int) -> set[str]:
    """Keys of deleted attributes that can't be used again yet: a job still deletes the values, or
    an import that is under way has a column for it."""
    jobs_of = Job.objects.filter(workspace=workspace_id, kind=DELETE)
    going = jobs_of.exclude(state__in=[Job.State.FINISHED, Job.State.CANCELLED])
    return set(going.values_list("parameters__key", flat=True)) | _still_imported(workspace_id)


def _still_imported(workspace_id: int) -> set[str]:
    under_way = Import.objects.filter(
        workspace=workspace_id, state__in=[Import.State.QUEUED, Import.State.RUNNING]
    )
    mappings = under_way.values_list("mapping", flat=True)
    named = set().union(*(columns.keys_in(mapping) for mapping in mappings))
    there = Attribute.objects.filter(workspace=workspace_id, key__in=named)
    return named - set(there.values_list("key", flat=True))


def change(attribute: Attribute, *, label: str, choices: Sequence[str]) -> None:
    """Rename it or change its choices; values that contacts have stay."""
    attribute.label = label
    attribute.choices = [one_line(choice) for choice in choices]
    attribute.save(update_fields=["label", "choices"])
