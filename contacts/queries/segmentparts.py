"""The part of an audience that a segment names: the contacts who match its rule now. While an
audience is frozen, a copy stands in its place (queries.copies)."""

from collections.abc import Sequence

from contacts.audience import SEGMENT
from contacts.queries import segments
from contacts.queries.copies import STANDING
from contacts.queries.parts import PartKind, PartSql, kinds
from contacts.segments import compiling
from contacts.segments.sql import Sql, given, put

# Asked for one contact at a time, by its id in each index.
CAUSE = """
SELECT NULL::timestamptz AS since, v.id AS cause_id
  FROM contacts_contact c CROSS JOIN LATERAL (VALUES {}) v (id, inside)
 WHERE c.id = a.contact_id AND v.inside ORDER BY v.id LIMIT 1
"""


def _made(workspace_id: int, ids: Sequence[int]) -> PartSql:
    """Raises UnusableError."""
    usable = {one.pk: segments.usable(one) for one in segments.of(workspace_id, ids)}
    people = [compiling.people(*one) for one in usable.values()]
    # Each once, also of one segment alone.
    rows = put(" UNION ".join(["{}"] * len(people)), *people)
    causes = [
        put("({}, {})", given(pk, "bigint"), compiling.asked(*one)) for pk, one in usable.items()
    ]
    values = put(", ".join(["{}"] * len(causes)), *causes)
    return PartSql(
        include=put(f"SELECT p.contact_id, {STANDING} FROM ({{}}) p", rows),  # noqa: S608 - ours
        exclude=rows,
        cause=put(CAUSE, values) if usable else Sql(""),
    )


kinds.add(
    PartKind(SEGMENT, include="", exclude="", reason="excluded_segment", once=True, made=_made)
)
