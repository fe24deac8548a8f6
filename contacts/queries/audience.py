"""The recipients of a mailing, and the reasons why others of its audience are left out: one
statement for the live count and the freeze, so that both always agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts import valuekinds
from contacts.audience import Audience
from contacts.mergenames import OF_PERSON
from contacts.queries import parts, ways

# One row for each person in the included parts. `reason` (a code of pages.reasons) is null for
# recipients. A person who left one of the lists but is on another still wants mail. The first
# reason that applies is given: unsubscribed, suppressed, excluded.
AUDIENCE = """
SELECT c.id AS contact_id, c.email AS address,
       coalesce(CASE WHEN NOT p.wants THEN 'unsubscribed' END, {stopped}, {excluded}) AS reason,
       {cause} AS suppression_id
  FROM ({people}) p
  JOIN contacts_contact c ON c.id = p.contact_id AND c.workspace_id = %(workspace)s
{joins}
"""
# For an audience without parts.
NOBODY = "SELECT 0::bigint AS contact_id, false AS wants WHERE false"
EXCLUDED = (
    "LEFT JOIN (SELECT DISTINCT contact_id FROM ({people}) e) {name} ON {name}.contact_id = c.id"
)
# For people in `audience` who are left out: since when, and the cause. Looked up by the contact's
# index, and not for recipients, who cost nothing here. Of several lists, the one that changed last
# is named.
DETAILS = """
SELECT a.contact_id, a.address, a.reason,
       coalesce(by_list.since, by_suppression.created_at{since}) AS since,
       coalesce(by_list.cause_id, by_suppression.id{cause_id}) AS cause_id
  FROM audience a
  LEFT JOIN contacts_suppression by_suppression
         ON a.reason LIKE 'suppressed%%' AND by_suppression.id = a.suppression_id
  LEFT JOIN LATERAL (
       SELECT s.changed_at AS since, s.list_id AS cause_id FROM contacts_subscription s
        WHERE s.contact_id = a.contact_id AND s.list_id = ANY(%(lists)s)
          AND s.status <> 'subscribed'
        ORDER BY s.changed_at DESC, s.list_id LIMIT 1) by_list ON a.reason = 'unsubscribed'
{causes}
"""


def statement(audience: Audience, *, each_once: bool = True, piece: bool = False) -> str:
    """The audience's query, for its `parameters`. Without `each_once`, a person in several parts
    may come several times, which is faster. `piece`: only contacts from %(first)s to %(last)s."""
    excluded = [
        (f"out{number}", parts.kinds[part.kind]) for number, part in enumerate(audience.exclude)
    ]
    stops = ways.of(audience.workspace_id)
    joins = [stops.joins("c.email", ignoring=bool(audience.ignored))]
    joins += [
        EXCLUDED.format(
            people=_within(kind.exclude.format(ids=f"%(exclude{number})s"), piece), name=name
        )
        for number, (name, kind) in enumerate(excluded)
    ]
    codes = " ".join(
        f"WHEN {name}.contact_id IS NOT NULL THEN '{kind.reason}'" for name, kind in excluded
    )
    return AUDIENCE.format(
        stopped=stops.reason,
        cause=stops.cause,
        excluded=f"CASE {codes} END" if codes else "NULL",
        people=_people(audience, each_once=each_once, piece=piece),
        joins="\n".join(joins),
    )


def _people(audience: Audience, *, each_once: bool, piece: bool = False) -> str:
    """Rows of (contact_id, wants): everybody in the included parts."""
    kinds = [parts.kinds[part.kind] for part in audience.include]
    included = [
        _within(kind.include.format(ids=f"%(include{number})s"), piece)
        for number, kind in enumerate(kinds)
    ]
    people = "\nUNION ALL\n".join(included) or NOBODY
    # No contact is on one list twice, so one list needs no grouping. Then PostgreSQL counts on
    # several cores: a million people take a third of the time.
    alone = len(kinds) == 1 and kinds[0].once and len(audience.include[0].ids) == 1
    if each_once and not alone and included:
        people = f"SELECT contact_id, bool_or(wants) AS wants FROM ({people}) m GROUP BY contact_id"  # noqa: S608
    return people


def _within(people: str, piece: bool) -> str:
    """Restricts a part, so that a piece reads only its own people, by the indexes on contacts."""
    if not piece:
        return people
    return f"SELECT * FROM ({people}) p WHERE contact_id BETWEEN %(first)s AND %(last)s"  # noqa: S608


def details(audience: Audience) -> str:
    """SQL: the people left out of `audience`, a table with the statement's rows, with cause and
    time."""
    causes, names = [], []
    for number, part in enumerate(audience.exclude):
        kind = parts.kinds[part.kind]
        if kind.cause:
            names.append(f"cause{number}")
            one = kind.cause.format(ids=f"%(exclude{number})s")
            causes.append(f"  LEFT JOIN LATERAL ({one}) {names[-1]} ON a.reason = '{kind.reason}'")
    return DETAILS.format(
        since="".join(f", {name}.since" for name in names),
        cause_id="".join(f", {name}.cause_id" for name in names),
        causes="\n".join(causes),
    )


def parameters(audience: Audience) -> dict[str, Any]:
    included = {f"include{n}": list(part.ids) for n, part in enumerate(audience.include)}
    excluded = {f"exclude{n}": list(part.ids) for n, part in enumerate(audience.exclude)}
    return {
        "workspace": audience.workspace_id,
        "lists": list(audience.list_ids),
        "ignored": list(audience.ignored),
        **ways.parameters(),
        **included,
        **excluded,
    }


def count(audience: Audience) -> dict[str, Any]:
    """{"recipients": n, "excluded": {reason: n}}"""
    sql = f"SELECT reason, count(*) FROM ({statement(audience)}) a GROUP BY 1 ORDER BY 2 DESC"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(audience))
        counts = dict(cursor.fetchall())
    return {"recipients": counts.pop(None, 0), "excluded": counts}


def anybody(audience: Audience) -> bool:
    """Whether anybody would get it. Stops at the first recipient. A person subscribed to one of
    several lists wants mail, so that rows need no grouping."""
    rows = statement(audience, each_once=False)
    sql = f"SELECT 1 FROM ({rows}) a WHERE reason IS NULL LIMIT 1"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(audience))
        return cursor.fetchone() is not None


def more_than(audience: Audience, number: int) -> bool:
    """Whether it includes more than `number` people. Stops at the first one above."""
    people = _people(audience, each_once=False)
    sql = f"SELECT count(*) FROM (SELECT FROM ({people}) p LIMIT %(most)s) few"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(audience) | {"most": number + 1})
        return int((cursor.fetchone() or (0,))[0]) > number


def span(workspace_id: int) -> tuple[int, int]:
    """The first and the last id of a workspace's contacts; (0, 0): it has none."""
    sql = "SELECT min(id), max(id) FROM contacts_contact WHERE workspace_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [workspace_id])
        first, last = cursor.fetchone() or (None, None)
    return first or 0, last or 0


@dataclass(frozen=True, slots=True)
class AudiencePerson:
    """A person in an audience. `reason` (a code of pages.reasons) is None for a recipient; `since`
    and `cause_id` (of a suppression, a list, ...) belong to the reason."""

    contact_id: int
    address: str
    reason: str | None
    since: datetime | None
    cause_id: int | None


# Values of `reason` in a Question: recipients, everybody left out, or else a code.
RECIPIENTS, LEFT_OUT = "", "*"
CONDITIONS = {
    RECIPIENTS: "reason IS NULL",
    LEFT_OUT: "reason IS NOT NULL",
}
# The whole audience is computed for each page (1 s for a million people), its details only for the
# rows of the page.
PEOPLE = """
WITH everybody AS ({audience}),
audience AS (SELECT * FROM everybody WHERE {conditions} ORDER BY address {order} LIMIT %(limit)s)
SELECT * FROM ({details}) told ORDER BY address {order}
"""


@dataclass(frozen=True, slots=True)
class Question:
    """An audience, and a filter on its people."""

    audience: Audience
    # RECIPIENTS, LEFT_OUT or a code of pages.reasons; None: everybody.
    reason: str | None = None
    # The beginning of addresses; "" for all.
    begins: str = ""
    # Only these contacts; None for all.
    contact_ids: Sequence[int] | None = None

    def sql(self) -> tuple[str, dict[str, Any]]:
        """(condition on the audience's rows, its parameters)"""
        found = ["true"]
        if self.reason is not None:
            found.append(CONDITIONS.get(self.reason, "reason = %(reason)s"))
        if self.begins:
            found.append("starts_with(address, %(begins)s)")
        if self.contact_ids is not None:
            found.append("contact_id = ANY(%(contacts)s)")
        known = parameters(self.audience)
        return " AND ".join(found), known | {
            "reason": self.reason,
            "begins": self.begins,
            "contacts": list(self.contact_ids or ()),
        }


def people(
    question: Question, *, after: str | None = None, limit: int, backward: bool = False
) -> list[AudiencePerson]:
    """The next people by address after `after` (backward: those before it, the nearest first)."""
    conditions, known = question.sql()
    if after is not None:
        conditions += f" AND address {'<' if backward else '>'} %(after)s"
    sql = PEOPLE.format(
        audience=statement(question.audience),
        conditions=conditions,
        details=details(question.audience),
        order="DESC" if backward else "ASC",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, known | {"after": after, "limit": limit})
        return [AudiencePerson(*row) for row in cursor.fetchall()]


def stream(question: Question, size: int) -> Iterator[AudiencePerson]:
    """All matching people by address: one statement, read `size` rows at a time with a server-side
    cursor. In a transaction, because a cursor WITH HOLD would store the whole result on disk."""
    conditions, known = question.sql()
    sql = PEOPLE.format(
        audience=statement(question.audience),
        conditions=conditions,
        details=details(question.audience),
        order="ASC",
    )
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, known | {"limit": None})
        while rows := cursor.fetchmany(size):
            yield from (AudiencePerson(*row) for row in rows)


def count_people(question: Question) -> int:
    conditions, known = question.sql()
    sql = f"SELECT count(*) FROM ({statement(question.audience)}) a WHERE {conditions}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, known)
        return int((cursor.fetchone() or (0,))[0])


def missing_fields(audience: Audience, fields: Sequence[str]) -> dict[str, int]:
    """{merge field: number of recipients where it is empty}, in one pass over the audience."""
    columns: list[str] = []
    given: dict[str, str] = {}
    for number, name in enumerate(fields):
        value, _json, parameter = _value_of(name, number)
        given |= parameter
        columns.append(f"count(*) FILTER (WHERE coalesce({value}, '') = '')")
    counted = _over_recipients(audience, columns, given)
    return dict(zip(fields, counted, strict=False))


def unfit_values(
    audience: Audience, uses: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, str]]:
    """{(merge field, kind): (recipients whose value is not of that kind, one such value)}, for
    kinds of contacts.valuekinds. Uses without misfits are absent. One pass over the audience."""
    columns, given = [], dict(valuekinds.PARAMETERS)
    for number, (name, kind) in enumerate(uses):
        value, json, parameter = _value_of(name, number)
        given |= parameter
        misfit = valuekinds.MISFITS[kind].format(value=value, json=json)
        columns += [
            f"count(*) FILTER (WHERE {misfit})",
            # The smallest one, so that the page shows the same each time.
            f"min(left({value}, 40)) FILTER (WHERE {misfit})",
        ]
    counted = _over_recipients(audience, columns, given)
    pairs = zip(counted[::2], counted[1::2], strict=True)
    return {
        use: (count, sample) for use, (count, sample) in zip(uses, pairs, strict=False) if count
    }


def kinds_of_people(
    audience: Audience, fields: Sequence[str], *, most: int
) -> list[tuple[int, int]]:
    """(a contact id, how many recipients have the same values in these merge fields), at most
    `most`. Values that an expression may not accept come first: empty, zero, text."""
    columns, numbers = [], ["0"]
    given: dict[str, Any] = {}
    for number, name in enumerate(fields):
        value, json, parameter = _value_of(name, number)
        given |= parameter
        # As jsonb: the text "5" differs from the number 5.
        columns.append(f"({json})")
        numbers.append(f"(coalesce({value}, '') ~ '^[1-9][0-9.]*$')::int")
    grouped = f"GROUP BY {', '.join(columns)}" if columns else ""
    # One pass over the audience, and one group for each way in which the values differ.
    sql = f"""
        SELECT min(c.id), count(*) FROM ({statement(audience)}) a
          JOIN contacts_contact c ON c.id = a.contact_id WHERE a.reason IS NULL
         {grouped} ORDER BY min({" + ".join(numbers)}), 2 DESC, 1 LIMIT %(most)s
    """  # noqa: S608 - names are ours or parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(audience) | given | {"most": most})
        return [row for row in cursor.fetchall() if row[1]]


def _value_of(name: str, number: int) -> tuple[str, str, dict[str, str]]:
    """(SQL of a merge field's value as text, the same as jsonb, parameters)."""
    if name in OF_PERSON:
        return f"c.{name}", f"to_jsonb(c.{name})", {}
    key = f"field{number}"
    return f"c.attributes ->> %({key})s", f"c.attributes -> %({key})s", {key: name}


def _over_recipients(
    audience: Audience, columns: Sequence[str], given: Mapping[str, Any]
) -> Sequence[Any]:
    """Aggregates over the contacts who get the mailing: one pass for any number of columns."""
    if not columns:
        return ()
    sql = f"""
        SELECT {", ".join(columns)} FROM ({statement(audience)}) a
          JOIN contacts_contact c ON c.id = a.contact_id WHERE a.reason IS NULL
    """  # noqa: S608 - names are ours or parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(audience) | dict(given))
        return cursor.fetchone() or ()
