"""Keeps who is in a segment now: they get a tag, and a segment of the same name finds them."""

from itertools import count
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contacts import tagnames
from contacts.models import Contact, Job, Tag
from contacts.queries import keptpeople
from contacts.queries import segments as query
from contacts.segmentmodels import Segment
from contacts.segments.rules import ALL, Condition, Group
from contacts.services import jobs, segments, tags

KEEP = keptpeople.KEEP


@transaction.atomic
def keep(segment: Segment, *, by: User | None) -> Job:
    """Starts the job that gives the people the tag; one that does so already is returned. Raises
    UnusableError, TagError, SegmentError."""
    now = Segment.objects.select_for_update(no_key=True, of=("self",)).get(pk=segment.pk)
    workspace = segment.workspace
    query.usable(segment)
    known = Job.objects.filter(
        workspace=workspace, kind=KEEP, state__in=jobs.ACTIVE, parameters__segment=now.pk
    )
    if under_way := known.first():
        return under_way
    name = name_for(segment)
    (tag,) = tags.make(workspace, [name], keeps=True)
    has = Condition(tags.KIND, str(tag.pk), "has", (), tag.name)
    kept = segments.create(workspace, name=name, rule=Group(ALL, (has,)), by=by)
    given = {"segment": now.pk, "version": now.version, "tag": tag.pk, "name": name}
    last = jobs.highest(Contact.objects.filter(workspace=workspace))
    return jobs.start(workspace, KEEP, given | {"kept": kept.pk}, by=by, last=last)


def name_for(segment: Segment) -> str:
    """ "VIPs 2026-11-30", the day of the workspace; with a number if there is one already. Without
    commas, which would part typed tags."""
    workspace = segment.workspace
    day = timezone.localdate(timezone=ZoneInfo(workspace.timezone)).isoformat()
    begin = " ".join(tagnames.split(segment.name)) or segment.name
    others = Segment.objects.filter(workspace=workspace).values_list("name", flat=True)
    known = Tag.objects.filter(workspace=workspace, key__contains=day)
    taken = {*map(tagnames.key_of, others), *known.values_list("key", flat=True)}
    for number in count(1):
        end = f" {day}" if number == 1 else f" {day} ({number})"
        name = begin[: tagnames.LONGEST - len(end)].rstrip() + end
        if tagnames.key_of(name) not in taken:
            return name
    raise AssertionError("the numbers have no end")
