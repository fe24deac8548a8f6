"""Segments: created, changed with a version for each rule, and deleted if nothing uses them."""

import datetime as dt
from collections.abc import Callable, Iterator

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts import tagnames
from contacts.exceptions import ContactsError
from contacts.queries import segments as query
from contacts.segmentmodels import Segment, SegmentVersion
from contacts.segments import nesting, rules
from contacts.segments.rules import Group
from contacts.services import indexing
from pages.registry import Registry

# Versions that are kept of each segment: the latest.
MOST_VERSIONS = 100
MOST_SEGMENTS = 500
# Find what uses a segment, as `used_by` gives it. Apps to the right register theirs.
users: Registry[Callable[[Segment], list[tuple[str, str, int]]]] = Registry()
# Campaigns that were sent to a segment, or left it out: the latest, and how many.
Sent = tuple[list[tuple[str, str, int]], int]
senders: Registry[Callable[[Segment], Sent]] = Registry()
# Rules in memory at a time: pasted lists may be long.
AT_ONCE = 20


class SegmentError(ContactsError):
    """What was asked for can't be done; the text says why."""


class ConflictError(SegmentError):
    """Somebody else saved a newer version."""


def _lock(workspace: Workspace) -> None:
    """One change of segments at a time in a workspace: two changes could make a circle together."""
    Workspace.objects.select_for_update(no_key=True).only("pk").get(pk=workspace.pk)


@transaction.atomic
def create(workspace: Workspace, *, name: str, rule: Group, by: User | None = None) -> Segment:
    """`rule`: checked. Raises SegmentError."""
    _lock(workspace)
    if Segment.objects.filter(workspace=workspace).count() >= MOST_SEGMENTS:
        raise SegmentError(_("A workspace has at most 500 segments. Delete some first."))
    _check_name(workspace, name)
    _check_nesting(workspace, rule)
    stored = rules.as_json(rule)
    segment = Segment.objects.create(workspace=workspace, name=name, rule=stored, created_by=by)
    SegmentVersion.objects.create(segment=segment, number=1, rule=stored, made_by=by)
    indexing.want(workspace, rule)
    return segment


@transaction.atomic
def change(
    segment: Segment, *, name: str, rule: Group, version: int, by: User | None = None
) -> Segment:
    """`rule`: checked. `version`: the one that was edited. Returns the segment as it is now.

    Raises ConflictError if there is a newer version, SegmentError.
    """
    _lock(segment.workspace)
    now = Segment.objects.select_for_update(of=("self",)).get(pk=segment.pk)
    if now.version != version:
        raise ConflictError(
            _(
                "Somebody else saved this segment after you opened it. Save again to overwrite"
                " their changes, or open the page anew to see them."
            )
        )
    _check_name(segment.workspace, name, of=segment.pk)
    _check_nesting(segment.workspace, rule, of=segment.pk)
    if rule != query.stored(now):
        _add_version(now, rule, by=by)
        now.size = now.counted_at = None
        # A day without a number, because of the rule as it was, is counted again.
        now.days.filter(size=None, day__gte=timezone.now().date() - dt.timedelta(days=1)).delete()
        indexing.want(segment.workspace, rule)
    now.name = name
    now.save(update_fields=["name", "rule", "version", "size", "counted_at", "updated_at"])
    return now


def _add_version(segment: Segment, rule: Group, *, by: User | None) -> None:
    """The segment itself is not saved."""
    segment.version += 1
    segment.rule = rules.as_json(rule)
    SegmentVersion.objects.create(
        segment=segment, number=segment.version, rule=segment.rule, made_by=by
    )
    old = SegmentVersion.objects.filter(
        segment=segment, number__lte=segment.version - MOST_VERSIONS
    )
    old.delete()


def restore(segment: Segment, number: int, *, by: User | None = None) -> Segment:
    """The rule of an earlier version becomes the newest version. Raises SegmentError."""
    old = SegmentVersion.objects.filter(segment=segment, number=number).first()
    if old is None:
        raise SegmentError(_("This version is no longer kept."))
    try:
        rule = rules.read(old.rule)
    except rules.ShapeError as error:
        raise SegmentError(_("This version is no longer kept.")) from error
    return change(segment, name=segment.name, rule=rule, version=segment.version, by=by)


def used_by(segment: Segment) -> list[tuple[str, str, int]]:
    """(words, URL name, pk) of everything that uses it."""
    found = naming(segment.workspace_id, nesting.SEGMENT, segment.pk)
    return found + [use for find in users for use in find(segment)]


def sent_to(segment: Segment) -> list[Sent]:
    """What went to it and does not hinder anything any more."""
    return [found for find in senders if (found := find(segment))[1]]


def naming(workspace_id: int, kind: str, subject: int | str) -> list[tuple[str, str, int]]:
    """The segments with a condition about this subject, as `used_by`."""
    found = query.naming(workspace_id, kind, str(subject))
    named = Segment.objects.filter(pk__in=found).order_by("name")
    return [
        (_("Segment “{name}”").format(name=name), "segment", pk)
        for pk, name in named.values_list("pk", "name")
    ]


@transaction.atomic
def move(
    workspace: Workspace,
    kind: str,
    old: int | str,
    *,
    new: tuple[int | str, str],
    by: User | None = None,
) -> None:
    """Conditions about the subject `old` become ones about `new` (key and name): a new version of
    each segment, so that it can be undone."""
    _lock(workspace)
    found = query.naming(workspace.pk, kind, str(old))
    for segment in Segment.objects.filter(pk__in=found).iterator(AT_ONCE):
        if (rule := query.stored(segment)) is None:
            continue
        _add_version(segment, rules.with_subject(rule, kind, str(old), str(new[0]), new[1]), by=by)
        segment.save(update_fields=["rule", "version", "updated_at"])


@transaction.atomic
def remember(
    workspace: Workspace, kind: str, subject: int | str, name: str, *, gone: str = ""
) -> None:
    """Keep the last name of a subject that is deleted, with the conditions about it. `gone`: the
    subject that they are about now, if another thing may get the same key later."""
    _lock(workspace)
    found = query.naming(workspace.pk, kind, str(subject))
    for segment in Segment.objects.filter(pk__in=found).iterator(AT_ONCE):
        if (rule := query.stored(segment)) is None:
            continue
        kept = rules.with_subject(rule, kind, str(subject), gone or str(subject), name)
        segment.rule = rules.as_json(kept)
        segment.save(update_fields=["rule"])


@transaction.atomic
def delete(segment: Segment) -> None:
    """Raises SegmentError if something uses it."""
    _lock(segment.workspace)
    # Waits for whoever is choosing it now.
    Segment.objects.select_for_update(of=("self",)).get(pk=segment.pk)
    if found := used_by(segment):
        text = _("{name} can't be deleted: it is used by {users}.")
        named = ", ".join(words for words, _url, _pk in found[:5])
        raise SegmentError(text.format(name=segment.name, users=named))
    segment.delete()


def is_taken(workspace: Workspace, name: str, *, of: int | None = None) -> bool:
    """Whether another segment has the name; case and width don't matter, as for tags."""
    others = Segment.objects.filter(workspace=workspace).exclude(pk=of or 0)
    key = tagnames.key_of(name)
    return any(tagnames.key_of(one) == key for one in others.values_list("name", flat=True))


def _check_name(workspace: Workspace, name: str, *, of: int | None = None) -> None:
    """Raises SegmentError."""
    if is_taken(workspace, name, of=of):
        raise SegmentError(_("There is a segment with this name already."))


def _check_nesting(workspace: Workspace, rule: Group, *, of: int | None = None) -> None:
    """Also of the segments that use this one. Raises SegmentError."""
    changed = {} if of is None else {of: rule}
    inside = query.used(workspace.pk, rule)
    try:
        nesting.check(rule, inside | changed)
        for above in _above(workspace, of) if of is not None else ():
            if (other := query.stored(above)) is not None:
                nesting.check(other, query.used(workspace.pk, other) | inside | changed)
    except nesting.CircleError as error:
        raise SegmentError(
            _("The segment would use itself by way of another segment. Remove that condition.")
        ) from error
    except nesting.TooLargeError as error:
        raise SegmentError(
            _(
                "With the segments that it uses, the rule has more than 200 conditions, or is more"
                " than four segments deep. Remove some."
            )
        ) from error


def _above(workspace: Workspace, number: int) -> Iterator[Segment]:
    """The segments that use this one, also by way of others."""
    known, waiting = {number}, [number]
    while waiting:
        fresh = [pk for pk in query.users(workspace.pk, waiting.pop()) if pk not in known]
        known.update(fresh)
        waiting += fresh
        yield from Segment.objects.filter(pk__in=fresh)
