"""Tags: words of the workspace that contacts can have."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts import tagnames
from contacts.exceptions import ContactsError
from contacts.models import Contact, ContactTag, Job, Tag
from contacts.provenance import Source
from contacts.queries import tagging
from contacts.services import jobs, segments

# The kinds of jobs that end with the deletion of a tag.
MERGE, DELETE = "merge_tag", "delete_tag"
# The kind of conditions of segments about tags.
KIND = "tag"
# Parameters of such a job.
Given = dict[str, int | str]


class TagError(ContactsError):
    """The name can't be used; the text says why, for users."""


class TagGoneError(ContactsError):
    """The tag that another was merged into was deleted meanwhile."""


# Names -------------------------------------------------------------------------------------------


def named(workspace: Workspace, name: str) -> Tag | None:
    """The workspace's tag with this name; case and width don't matter."""
    key = tagnames.key_of(tagnames.clean(name))
    return Tag.objects.filter(workspace=workspace, key=key).first()


def names_in(workspace: Workspace, text: str) -> list[str]:
    """The names in a typed text: one or, with commas between them, several. A tag whose name has a
    comma is found as it is."""
    if known := named(workspace, text):
        return [known.name]
    by_key: dict[str, str] = {}
    for name in tagnames.split(text):
        by_key.setdefault(tagnames.key_of(name), name)
    return [name for key, name in by_key.items() if key]


def make(workspace: Workspace, names: Sequence[str], *, keeps: bool = False) -> list[Tag]:
    """The tags with these names; those that don't exist are made. `keeps`: see Tag. Raises
    TagError."""
    if len(names) > tagnames.MOST_A_ROW:
        raise TagError(_("Add at most 50 tags at once."))
    by_key: dict[str, str] = {}
    for name in map(tagnames.clean, names):
        _refuse(name)
        by_key.setdefault(tagnames.key_of(name), name)
    own = Tag.objects.filter(workspace=workspace)
    known = set(own.filter(key__in=by_key).values_list("key", flat=True))
    new = [
        Tag(workspace=workspace, name=name, key=key, keeps=keeps)
        for key, name in by_key.items()
        if key not in known
    ]
    if new and own.count() + len(new) > tagnames.MOST:
        raise TagError(_("There are 5,000 tags already. Merge or delete some first."))
    # Once, even if two requests come at once.
    Tag.objects.bulk_create(new, ignore_conflicts=True)
    return list(own.filter(key__in=by_key).order_by("key"))


def _refuse(name: str) -> None:
    if not tagnames.key_of(name):
        raise TagError(_("Enter a tag."))
    if tagnames.is_too_long(name):
        raise TagError(_("A tag has at most 100 characters."))


@transaction.atomic
def rename(tag: Tag, name: str) -> None:
    """Raises TagError if the name can't be used, or is another tag's."""
    name = tagnames.clean(name)
    _refuse(name)
    tag.name, tag.key = name, tagnames.key_of(name)
    others = Tag.objects.filter(workspace_id=tag.workspace_id, key=tag.key).exclude(pk=tag.pk)
    taken = _("There is a tag with this name already. Merge this one into it instead.")
    if others.exists():
        raise TagError(taken)
    try:
        with transaction.atomic():
            tag.save(update_fields=["name", "key"])
    except IntegrityError as error:  # somebody took the name just now
        raise TagError(taken) from error


# Contacts ----------------------------------------------------------------------------------------


def add(tag: Tag, people: QuerySet[Contact], *, source: Source) -> int:
    """Give contacts the tag; returns how many did not have it."""
    return tagging.add(tag, people, source=source)


def remove(tag: Tag, people: QuerySet[Contact]) -> int:
    """Take the tag from contacts; returns how many had it."""
    removed, _models = ContactTag.objects.filter(tag=tag, contact__in=people.order_by()).delete()
    return removed


def undo_add(workspace: Workspace, source: Source) -> int:
    """Undo one `add` by its source; returns how many contacts lose the tag."""
    own = Tag.objects.filter(workspace=workspace)
    removed, _models = ContactTag.objects.filter(tag__in=own, **source.columns).delete()
    return removed


# Merging and deleting ----------------------------------------------------------------------------


def count(tag: Tag) -> int:
    """How many contacts have it."""
    return ContactTag.objects.filter(tag=tag).count()


def merge(tag: Tag, into: Tag, *, by: User | None) -> int | Job:
    """Give the tag's contacts the tag `into`, and delete it. Returns how many contacts had it; for
    many contacts the job that does it."""
    given: Given = {"tag": tag.pk, "name": tag.name, "into": into.pk, "into_name": into.name}
    return _end(tag, MERGE, given, by=by)


def delete(tag: Tag, *, by: User | None) -> int | Job:
    """Delete it and take it from its contacts. Returns as `merge`."""
    return _end(tag, DELETE, {"tag": tag.pk, "name": tag.name}, by=by)


@transaction.atomic
def _end(tag: Tag, kind: str, given: Given, *, by: User | None) -> int | Job:
    if jobs.is_large(ContactTag.objects.filter(tag=tag)):
        return jobs.start(tag.workspace, kind, given, by=by)
    into = given.get("into")
    return finish(tag.pk, into=into if isinstance(into, int) else None, by=by)


def used_by(tag: Tag) -> list[tuple[str, str, int]]:
    """The segments that use it, as contacts.services.segments.used_by."""
    return segments.naming(tag.workspace_id, KIND, tag.pk)


def take(
    tag: int, *, into: int | None, after: int, limit: int, by: User | None = None
) -> tagging.Taken:
    """Take the tag from its next contacts, for a job. After the last ones the tag is deleted.
    Raises TagGoneError."""
    _hold(into)
    taken = tagging.take(tag, into=into, after=after, limit=limit)
    if taken.contacts < limit:
        finish(tag, into=into, by=by)
    return taken


def finish(tag: int, *, into: int | None, by: User | None = None) -> int:
    """Take the tag from all contacts that have it, and delete it. Conditions of segments about it
    are then about `into`. Returns how many contacts had it. Raises TagGoneError."""
    _hold(into)
    # Whoever gives it to a contact holds it until the commit, so that nobody has it afterwards.
    old = Tag.objects.select_for_update().filter(pk=tag).first()
    if old is None:
        return 0
    _tell_segments(old, into, by=by)
    taken = tagging.take(tag, into=into)
    old.delete()
    return taken.contacts


def _tell_segments(tag: Tag, into: int | None, *, by: User | None) -> None:
    if into is None:
        segments.remember(tag.workspace, KIND, tag.pk, tag.name)
    else:
        name = Tag.objects.values_list("name", flat=True).get(pk=into)
        segments.move(tag.workspace, KIND, tag.pk, new=(into, name), by=by)


def _hold(into: int | None) -> None:
    """Keep the tag from being deleted before the end of the transaction."""
    if into is not None and not Tag.objects.select_for_update(no_key=True).filter(pk=into):
        raise TagGoneError
