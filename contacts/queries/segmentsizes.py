"""What is known about the sizes of segments without counting, and which can't be used."""

from collections.abc import Iterator

from django.utils import timezone

from contacts.queries import segments
from contacts.segmentmodels import Segment
from contacts.segments import checking, nesting
from contacts.segments.checking import RuleError
from contacts.segments.rules import Group

# Rules in memory at a time: pasted lists may be long.
AT_ONCE = 20


def keep(segment: Segment, count: int) -> None:
    """Store how many contacts the segment has now, unless its rule was changed meanwhile."""
    now = Segment.objects.filter(pk=segment.pk, version=segment.version)
    now.update(size=count, counted_at=timezone.now())


def unusable(workspace_id: int) -> dict[int, str]:
    """{id of a segment whose rule can't be used: ""}, because something that it names, or that a
    segment in it names, does not exist; or what is missing of it (queries.keptpeople). Each rule
    is read twice; contacts are not."""

    def read() -> Iterator[tuple[int, Group | None]]:
        own = Segment.objects.filter(workspace=workspace_id).only("rule")
        return ((one.pk, segments.stored(one)) for one in own.iterator(AT_ONCE))

    subjects = segments.subjects(workspace_id, (rule for _pk, rule in read() if rule))
    wrong, uses = dict[int, str](), dict[int, set[int]]()
    for pk, rule in read():
        uses[pk] = nesting.used(rule) if rule else set()
        try:
            if rule is None or not checking.check(rule, subjects):
                wrong[pk] = ""
        except RuleError as error:
            wrong[pk] = segments.incomplete(error)
    # Those that use one of them, level by level.
    while above := [pk for pk, used in uses.items() if used & wrong.keys() and pk not in wrong]:
        wrong |= {pk: max(wrong[one] for one in uses[pk] & wrong.keys()) for pk in above}
    return wrong
