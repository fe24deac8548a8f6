"""Copies of segments: the contacts who match a rule at one moment. Audiences that are frozen over
time need them, and they tell later who was in a segment."""

from collections.abc import Iterable

from django.db import connection, transaction

from contacts.audience import SEGMENT, SEGMENT_COPY, Audience, AudiencePart
from contacts.queries import segments
from contacts.queries.parts import NO_LIST, STAYS, PartKind, kinds
from contacts.segmentmodels import Segment, SegmentCopy, SegmentCopyPart
from contacts.segments import compiling
from contacts.segments.sql import given, put

# Ids with the same quotient by 2 ** SHIFT are one SegmentCopyPart.
SHIFT = 10
COPY = f"""
WITH made AS (
  INSERT INTO contacts_segmentcopypart (copy_id, number, contacts)
  SELECT {{}}, contact_id >> {SHIFT}, array_agg(contact_id ORDER BY contact_id)
    FROM ({{}}) p GROUP BY contact_id >> {SHIFT}
  RETURNING cardinality(contacts) AS size)
SELECT coalesce(sum(size), 0) FROM made
"""  # noqa: S608 - only constants of ours
# For `p`, a row with contact_id: whether they are subscribed to a list that is not archived.
ON_A_LIST = """
EXISTS (SELECT FROM contacts_subscription s
          JOIN contacts_list l ON l.id = s.list_id AND l.archived_at IS NULL
         WHERE s.contact_id = p.contact_id AND s.status = 'subscribed')
"""
STANDING = f"CASE WHEN {ON_A_LIST} THEN {STAYS} ELSE {NO_LIST} END AS standing"
OF_COPIES = (
    "SELECT unnest(contacts) AS contact_id FROM contacts_segmentcopypart"
    " WHERE copy_id = ANY({ids}) {within}"
)
CAUSE = f"""
SELECT o.made_at AS since, o.segment_number AS cause_id
  FROM contacts_segmentcopypart q JOIN contacts_segmentcopy o ON o.id = q.copy_id
 WHERE q.copy_id = ANY({{ids}}) AND q.number = a.contact_id >> {SHIFT}
   AND a.contact_id = ANY(q.contacts)
 ORDER BY o.id LIMIT 1
"""  # noqa: S608 - only constants of ours
kinds.add(
    PartKind(
        SEGMENT_COPY,
        include=f"SELECT p.contact_id, {STANDING} FROM ({OF_COPIES}) p",  # noqa: S608 - ours
        exclude=OF_COPIES,
        reason="excluded_segment",
        cause=CAUSE,
        once=True,
        within=f"AND number BETWEEN %(first)s >> {SHIFT} AND %(last)s >> {SHIFT}",
    )
)


@transaction.atomic
def copy(segment: Segment) -> SegmentCopy:
    """Copies the contacts of a segment. Raises UnusableError."""
    rule, known = segments.usable(segment)
    made = SegmentCopy.objects.create(
        workspace_id=segment.workspace_id,
        segment_number=segment.pk,
        name=segment.name,
        rule=segment.rule,
    )
    sql = put(COPY, given(made.pk, "bigint"), compiling.people(rule, known))
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.parameters)
        made.size = int((cursor.fetchone() or (0,))[0])
    made.save(update_fields=["size"])
    return made


@transaction.atomic
def copied(audience: Audience) -> Audience:
    """The audience with a copy in place of each segment, so that it stays the same however long it
    takes to freeze it. A segment that stands on both sides is copied once. Raises UnusableError."""
    both = (*audience.include, *audience.exclude)
    numbers = {pk for part in both if part.kind == SEGMENT for pk in part.ids}
    found = segments.of(audience.workspace_id, numbers)
    copies = {one.pk: copy(one).pk for one in found}
    return audience.replacing(
        {SEGMENT: lambda ids: AudiencePart(SEGMENT_COPY, tuple(sorted(copies[pk] for pk in ids)))}
    )


def names(workspace_id: int, numbers: Iterable[int]) -> dict[int, str]:
    """{id that a copied segment has or had: its name at the last copy}"""
    rows = SegmentCopy.objects.filter(workspace=workspace_id, segment_number__in=list(numbers))
    return dict(rows.order_by("pk").values_list("segment_number", "name"))


def drop_contacts(audiences: Iterable[Audience]) -> None:
    """Deletes the contacts of the copies in these audiences. Names, rules and sizes stay."""
    numbers = {
        pk
        for audience in audiences
        for part in (*audience.include, *audience.exclude)
        if part.kind == SEGMENT_COPY
        for pk in part.ids
    }
    SegmentCopyPart.objects.filter(copy__in=numbers).delete()
