"""The sizes of segments, once a day, with who joined and who left since the count before.

The people of the last count are kept as in a copy (queries.copies), a thousand ids to a row. The
next count compares both and replaces them, so that a segment has one such set at a time.
"""

import datetime as dt
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import Workspace
from contacts.models import Contact
from contacts.queries import segments
from contacts.queries.copies import SHIFT
from contacts.segmentmodels import Segment, SegmentDay, SegmentDayPart, SegmentVersion
from contacts.segments import compiling
from contacts.segments.sql import put

# Of a larger segment only the size is kept: ids take 8 bytes each, in each segment.
MOST_KEPT = 200_000
# Days whose sizes are kept.
DAYS = 400
JOINED, LEFT = "joined", "left"
# The value of the parameter `change`: "left-12", who had left at the count 12.
CHANGE = re.compile(rf"({JOINED}|{LEFT})-(\d{{1,18}})")

# Segments without a count on the workspace's present day, those that waited longest first.
DUE = """
SELECT s.id FROM contacts_segment s
  JOIN accounts_workspace w ON w.id = s.workspace_id AND w.deleted_at IS NULL
 WHERE NOT EXISTS (SELECT FROM contacts_segmentday d
                    WHERE d.segment_id = s.id AND d.day = (now() AT TIME ZONE w.timezone)::date)
 ORDER BY (SELECT max(d.day) FROM contacts_segmentday d WHERE d.segment_id = s.id) NULLS FIRST, s.id
 LIMIT %s
"""
# Counts of a day that has not begun: the workspace's zone was moved westward. Each gets the day on
# which it was made, in the present zone, and replaces the count that this day may have.
IN_FUTURE = """
SELECT d.id, d.segment_id, (d.counted_at AT TIME ZONE w.timezone)::date
  FROM contacts_segment s
  JOIN accounts_workspace w ON w.id = s.workspace_id AND w.deleted_at IS NULL
  JOIN contacts_segmentday d ON d.segment_id = s.id
       AND d.day > (now() AT TIME ZONE w.timezone)::date
 ORDER BY d.id FOR UPDATE OF d
"""
# Apart from what locks rows of the segment, so that nobody waits for a slow rule.
TABLE = "CREATE TEMPORARY TABLE segment_people (contact_id bigint) ON COMMIT DROP"
COLLECT = "WITH found AS (INSERT INTO segment_people {} RETURNING 1) SELECT count(*) FROM found"
KEEP = f"""
WITH now_in AS (
  SELECT contact_id >> {SHIFT} AS number, array_agg(contact_id ORDER BY contact_id) AS contacts
    FROM segment_people GROUP BY 1),
before AS (
  SELECT number, contacts FROM contacts_segmentdaypart
   WHERE day_id = %(before)s AND contacts <> ARRAY[]::bigint[]),
made AS (
  INSERT INTO contacts_segmentdaypart (day_id, number, contacts, joined, departed)
  SELECT %(day)s, number, coalesce(n.contacts, ARRAY[]::bigint[]),
         CASE WHEN %(before)s IS NULL THEN ARRAY[]::bigint[]
              ELSE ARRAY(SELECT unnest(n.contacts) EXCEPT SELECT unnest(b.contacts)) END,
         ARRAY(SELECT unnest(b.contacts) EXCEPT SELECT unnest(n.contacts))
    FROM now_in n FULL JOIN before b USING (number)
  RETURNING cardinality(joined) AS joined, cardinality(departed) AS departed)
SELECT coalesce(sum(joined), 0), coalesce(sum(departed), 0) FROM made
"""  # noqa: S608 - only constants of ours
CHANGED = """
SELECT unnest(p.{column}) FROM contacts_segmentdaypart p
  JOIN contacts_segmentday d ON d.id = p.day_id JOIN contacts_segment s ON s.id = d.segment_id
 WHERE p.day_id = %s AND s.workspace_id = %s
"""
COLUMNS = {JOINED: "joined", LEFT: "departed"}


@transaction.atomic
def settle() -> None:
    """Gives counts of a day that has not begun the day on which they were made."""
    with connection.cursor() as cursor:
        cursor.execute(IN_FUTURE)
        for pk, segment, day in cursor.fetchall():
            SegmentDay.objects.filter(segment=segment, day=day).exclude(pk=pk).delete()
            SegmentDay.objects.filter(pk=pk).update(day=day)


def due(limit: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(DUE, [limit])
        return [pk for (pk,) in cursor.fetchall()]


def collect(segment: Segment) -> int:
    """Finds the people of the segment, for `keep` in the same transaction. Raises UnusableError."""
    sql = put(COLLECT, compiling.people(*segments.usable(segment)))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.segment_people")
        cursor.execute(TABLE)
        cursor.execute(sql.text, sql.parameters)
        return int((cursor.fetchone() or (0,))[0])


def keep(day: SegmentDay) -> None:
    """Stores the people that were collected, and who joined and left since the count before. Not
    saved: the numbers of the day."""
    kept = SegmentDay.objects.filter(segment=day.segment_id, kept=True).order_by("-day").first()
    if day.size is not None and day.size <= MOST_KEPT:
        # People of another rule neither joined nor left.
        before = kept if kept and kept.version == day.version else None
        with connection.cursor() as cursor:
            cursor.execute(KEEP, {"before": before.pk if before else None, "day": day.pk})
            joined, left = cursor.fetchone() or (0, 0)
        if before:
            day.joined, day.left, day.since = int(joined), int(left), before.day
        day.kept = True
    others = SegmentDay.objects.filter(segment=day.segment_id).exclude(pk=day.pk)
    SegmentDayPart.objects.filter(day__in=others.filter(kept=True)).delete()
    others.filter(kept=True).update(kept=False)
    others.filter(day__lt=day.day - dt.timedelta(days=DAYS)).delete()


# People ------------------------------------------------------------------------------------------


def change_of(text: str) -> tuple[str, int] | None:
    """(JOINED or LEFT, the id of the day) of a parameter `change`."""
    found = CHANGE.fullmatch(text)
    return (found[1], int(found[2])) if found else None


def filtered(people: QuerySet[Contact], workspace: Workspace, text: str) -> QuerySet[Contact]:
    """Those of the contacts who joined or left. Nobody, once the next count has replaced it: so a
    job never goes on with other people."""
    change = change_of(text)
    if change is None:
        return people.none()
    word, day = change
    sql = CHANGED.format(column=COLUMNS[word])
    return people.filter(pk__in=RawSQL(sql, (day, workspace.pk)))  # noqa: S611 - a constant of ours


def day_of(workspace: Workspace, text: str) -> SegmentDay | None:
    """The count of a parameter `change`, if its people are still kept."""
    change = change_of(text)
    if change is None:
        return None
    days = SegmentDay.objects.filter(pk=change[1], segment__workspace=workspace, kept=True)
    return days.select_related("segment").first()


# The page of a segment ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """People who joined or left; `gone`: those of them who were deleted."""

    parameter: str
    count: int
    gone: int


def changes(day: SegmentDay) -> list[Change]:
    """Who joined and who left at this count; [] if nobody knows."""
    if day.joined is None or day.left is None:
        return []
    workspace = day.segment.workspace
    everybody = Contact.objects.filter(workspace=workspace)
    found = []
    for word, count in ((JOINED, day.joined), (LEFT, day.left)):
        parameter = f"{word}-{day.pk}"
        there = filtered(everybody, workspace, parameter).count() if count else 0
        found.append(Change(parameter, count, count - there))
    return found


def history(segment: Segment, first: dt.date, last: dt.date) -> list[SegmentDay]:
    """The counts of these days, the latest first."""
    days = SegmentDay.objects.filter(segment=segment, day__range=(first, last))
    return list(days.select_related("segment__workspace").order_by("-day"))


def rule_changes(segment: Segment, days: Sequence[SegmentDay]) -> dict[int, dt.date]:
    """{id of the first count of another rule: the day when the rule was changed}. `days`: the
    latest first. The last change, if there were several between two counts."""
    first = {
        day.pk: day for day, before in itertools.pairwise(days) if day.version != before.version
    }
    numbers = {day.version for day in first.values()}
    versions = SegmentVersion.objects.filter(segment=segment, number__in=numbers)
    zone = ZoneInfo(segment.workspace.timezone)
    made = {
        number: at.astimezone(zone).date()
        for number, at in versions.values_list("number", "made_at")
    }
    # Of a version that is no longer kept, the day of the count.
    return {pk: made.get(day.version, day.day) for pk, day in first.items()}
