"""The workspace's own fields of its contacts."""

from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import Max

from accounts.models import Workspace
from contacts import columns
from contacts.models import Attribute, Contact
from pages.singleline import one_line


def add(workspace: Workspace, *, label: str, type_: str, choices: Sequence[str] = ()) -> Attribute:
    """A new attribute at the end; its merge field is made from the label."""
    own = Attribute.objects.filter(workspace=workspace)
    last = own.aggregate(last=Max("position"))["last"] or 0
    key = columns.key_of(label, own.values_list("key", flat=True))
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
    at = next(n for n, other in enumerate(own) if other.pk == attribute.pk)
    to = min(max(at + step, 0), len(own) - 1)
    own.insert(to, own.pop(at))
    for position, other in enumerate(own):
        other.position = position
    Attribute.objects.bulk_update(own, ["position"])


def used_by(attribute: Attribute) -> int:
    """How many contacts have a value of it."""
    people = Contact.objects.filter(workspace_id=attribute.workspace_id)
    return people.filter(attributes__has_key=attribute.key).count()


@transaction.atomic
def delete(attribute: Attribute) -> int:
    """Delete it with the values that contacts have; returns how many had one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact SET attributes = attributes - %s "
            "WHERE workspace_id = %s AND attributes ? %s",
            [attribute.key, attribute.workspace_id, attribute.key],
        )
        had = int(cursor.rowcount)
    attribute.delete()
    return had


def change(attribute: Attribute, *, label: str, choices: Sequence[str]) -> None:
    """Rename it or change its choices; values that contacts have stay."""
    attribute.label = label
    attribute.choices = [one_line(choice) for choice in choices]
    attribute.save(update_fields=["label", "choices"])
