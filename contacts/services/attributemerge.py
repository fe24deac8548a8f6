"""Two attributes of the same type become one."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from contacts import attributeuses, columns
from contacts.exceptions import ContactsError
from contacts.models import Attribute, Contact, Job, SavedMapping
from contacts.queries import attributemerge as query
from contacts.queries import importing
from contacts.services import attributes, jobs, segments

# The kind of job that copies the values.
MERGE = "merge_attribute"


class MergeError(ContactsError):
    """The attributes can't be merged; the text says why, for users."""


class AttributeGoneError(ContactsError):
    """One of both attributes was deleted meanwhile."""


def check(attribute: Attribute, into: Attribute | None) -> Attribute:
    """The attribute that stays. Raises MergeError if they can't be merged."""
    if into is None:
        raise MergeError(_("Choose the attribute to merge it into."))
    if attribute.pk == into.pk:
        raise MergeError(_("Choose another attribute: this one can't be merged into itself."))
    if attribute.type != into.type:
        text = _("{name} has another type. Only attributes of the same type can be merged.")
        raise MergeError(text.format(name=into.label))
    return into


@transaction.atomic
def merge(attribute: Attribute, into: Attribute, *, by: User | None) -> int | Job:
    """The values of `attribute` fill the blanks of `into`; then it is deleted, and conditions of
    segments, saved mappings and what else is registered (contacts.attributeuses.movers) are about
    `into`. Returns how many contacts got a value; for many
    contacts the job that does it. Raises MergeError."""
    check(attribute, into)
    workspace = attribute.workspace
    importing.wait_for_turn(workspace.pk)
    people = Contact.objects.filter(workspace=workspace)
    if not jobs.is_large(people):
        return finish(attribute.pk, into.pk, by=by)
    given = {
        "attribute": attribute.pk,
        "into": into.pk,
        "key": attribute.key,
        "name": attribute.label,
        "into_name": into.label,
    }
    return jobs.start(workspace, MERGE, given, by=by, last=jobs.highest(people))


def step(job: Job, size: int) -> tuple[query.Filled, bool]:
    """The next contacts of a job, and whether all are done. Raises AttributeGoneError."""
    importing.wait_for_turn(job.workspace_id)
    old, into = _both(job.parameters["attribute"], job.parameters["into"])
    done = query.fill(job.workspace_id, old.key, into.key, after=job.cursor, limit=size)
    if done.seen == size:
        return done, False
    more = finish(old.pk, into.pk, by=job.created_by)
    return query.Filled(done.seen, done.last, done.changed + more), True


def finish(attribute: int, into: int, *, by: User | None) -> int:
    """Copy the values that are left, tell segments and mappings, and delete the attribute. Returns
    how many contacts got a value. The caller has the turn of the workspace's batches."""
    old, kept = _both(attribute, into)
    done = query.fill(old.workspace_id, old.key, kept.key)
    kept.choices = list(dict.fromkeys([*kept.choices, *old.choices]))
    kept.save(update_fields=["choices"])
    segments.move(old.workspace, attributes.KIND, old.key, new=(kept.key, kept.label), by=by)
    _tell_mappings(old, kept)
    for move in attributeuses.movers:
        move(old.workspace_id, old.key, kept.key)
    attributes.delete(old, by=by)
    return done.changed


def _both(attribute: int, into: int) -> tuple[Attribute, Attribute]:
    """Locked until the end of the transaction. Raises AttributeGoneError."""
    both = Attribute.objects.select_for_update(of=("self",)).select_related("workspace")
    found = both.order_by("pk").in_bulk([attribute, into])
    if len(found) < 2:
        raise AttributeGoneError
    return found[attribute], found[into]


def _tell_mappings(old: Attribute, kept: Attribute) -> None:
    """Columns for the attribute become columns for the other one, if no other column is."""
    before, after = f"attribute:{old.key}", f"attribute:{kept.key}"
    changed = []
    for saved in SavedMapping.objects.filter(workspace=old.workspace):
        if old.key not in columns.keys_in(saved.targets):
            continue
        other = "" if after in saved.targets else after
        saved.targets = [other if one == before else one for one in saved.targets]
        changed.append(saved)
    SavedMapping.objects.bulk_update(changed, ["targets"])
