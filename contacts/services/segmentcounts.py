"""Counts each segment once a day, in the day of its workspace."""

import time
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from contacts.queries import segmentdays, segments, segmentsizes
from contacts.segmentmodels import Segment, SegmentDay
from environment import logs

log = logs.get(__name__)

# Segments that a tick counts, how long it works, and the limit for each, in seconds. The next tick
# counts the others.
AT_ONCE = 500
SECONDS = 60.0
LONGEST = 30


def tick(*, seconds: float = SECONDS) -> None:
    until = time.monotonic() + seconds
    segmentdays.settle()
    for number in segmentdays.due(AT_ONCE):
        count(number)
        if time.monotonic() > until:
            return


@transaction.atomic
def count(number: int) -> None:
    """Today's count of this segment, once."""
    segment = Segment.objects.select_related("workspace").filter(pk=number).first()
    if segment is None:
        return
    day = SegmentDay(segment=segment, version=segment.version)
    day.day = timezone.localdate(timezone=ZoneInfo(segment.workspace.timezone))
    try:
        with segments.patient(LONGEST):
            day.size = segmentdays.collect(segment)
    except segments.UnusableError:
        day.problem = SegmentDay.Problem.BROKEN
    except segments.TooSlowError:
        day.problem = SegmentDay.Problem.SLOW
        log.warning("segment takes too long to count", segment=number, seconds=LONGEST)
    _store(segment, day)


def _store(segment: Segment, day: SegmentDay) -> None:
    # Waits for whoever saves or deletes the segment.
    there = Segment.objects.select_for_update(no_key=True).filter(pk=segment.pk).first()
    known = SegmentDay.objects.filter(segment=segment, day=day.day)
    if there is None or there.version != segment.version or known.exists():
        return
    day.save()
    if day.size is not None:
        segmentdays.keep(day)
        day.save()
        segmentsizes.keep(segment, day.size)
