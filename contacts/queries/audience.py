"""Who gets a mailing, and why the others of its lists don't: one statement for the live count and
for the freeze, so that both always agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts import valuekinds
from contacts.audience import Audience
from contacts.mergenames import OF_PERSON
from contacts.queries import mailable, parts

# One row a person of the parts that are included. `reason` (a code of pages.reasons) is null for
# who gets it. Somebody who left one of the lists but is on another still wants mail. Being
# suppressed says more than being excluded, and a list that was left says more than either: the
# first that applies is the reason.
AUDIENCE = """
SELECT c.id AS contact_id, c.email AS address,
       coalesce(CASE WHEN NOT p.wants THEN 'unsubscribed' END, {stopped}, {excluded}) AS reason,
       coalesce(by_address.id, by_domain.id) AS suppression_id
  FROM ({people}) p
  JOIN contacts_contact c ON c.id = p.contact_id AND c.workspace_id = %(workspace)s
{joins}
"""
# Of an audience without parts.
NOBODY = "SELECT 0::bigint AS contact_id, false AS wants WHERE false"
EXCLUDED = (
    "LEFT JOIN (SELECT DISTINCT contact_id FROM ({people}) e) {name} ON {name}.contact_id = c.id"
)
# Of the people in `audience`: since when they are left out, and by what. It is looked up by the
# contact's index, and only for people who are left out: recipients cost nothing here. Of several
# lists, the one that changed last is named.
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
    """The audience's query, for its `parameters`. Unless `each_once`, a person of several parts may
    come several times, which is quicker. A `piece`: only contacts from %(first)s to %(last)s."""
    excluded = [
        (f"out{number}", parts.kinds[part.kind]) for number, part in enumerate(audience.exclude)
    ]
    joins = [mailable.joins("c.email", ignoring=bool(audience.ignored))]
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
        stopped=mailable.REASON,
        excluded=f"CASE {codes} END" if codes else "NULL",
        people=_people(audience, each_once=each_once, piece=piece),
        joins="\n".join(joins),
    )


def _people(audience: Audience, *, each_once: bool, piece: bool = False) -> str:
    """Rows of (contact_id, wants): everybody that the audience includes."""
    kinds = [parts.kinds[part.kind] for part in audience.include]
    included = [
        _within(kind.include.format(ids=f"%(include{number})s"), piece)
        for number, kind in enumerate(kinds)
    ]
    people = "\nUNION ALL\n".join(included) or NOBODY
    # Nobody is twice on one list. Without the grouping PostgreSQL counts on several cores: a
    # million people take their backend a third of its time.
    alone = len(kinds) == 1 and kinds[0].once and len(audience.include[0].ids) == 1
    if each_once and not alone and included:
        people = f"SELECT contact_id, bool_or(wants) AS wants FROM ({people}) m GROUP BY contact_id"  # noqa: S608
    return people


def _within(people: str, piece: bool) -> str:
    """Of a part: so that a piece reads its own people, by the indexes of contacts."""
    if not piece:
        return people
    return f"SELECT * FROM ({people}) p WHERE contact_id BETWEEN %(first)s AND %(last)s"  # noqa: S608


def details(audience: Audience) -> str:
    """Who of `audience`, a table with the statement's rows, is left out since when and why."""
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
    """Whether somebody would get it. Ends with the first one: nobody is counted. Whoever is
    subscribed to one of several lists wants mail, so that they need not be brought together."""
    rows = statement(audience, each_once=False)
    sql = f"SELECT 1 FROM ({rows}) a WHERE reason IS NULL LIMIT 1"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(audience))
        return cursor.fetchone() is not None


def more_than(audience: Audience, number: int) -> bool:
    """Whether it includes more people; ends with the one after `number`."""
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
    """Somebody on the lists. `reason` (a code of pages.reasons) is None for a recipient; `since`
    and `cause_id` (of a suppression, a list, ...) belong to the reason."""

    contact_id: int
    address: str
    reason: str | None
    since: datetime | None
    cause_id: int | None


# `reason` to ask for: recipients, or everybody left out; else a code.
RECIPIENTS, LEFT_OUT = "", "*"
CONDITIONS = {
    RECIPIENTS: "reason IS NULL",
    LEFT_OUT: "reason IS NOT NULL",
}
# The audience is worked out as a whole for each page (1 s for a million people), its details only
# for the rows of the page.
PEOPLE = """
WITH everybody AS ({audience}),
audience AS (SELECT * FROM everybody WHERE {conditions} ORDER BY address {order} LIMIT %(limit)s)
SELECT * FROM ({details}) told ORDER BY address {order}
"""


@dataclass(frozen=True, slots=True)
class Question:
    """An audience, and which of its people are asked for."""

    audience: Audience
    # RECIPIENTS, LEFT_OUT or a code of pages.reasons; None: everybody.
    reason: str | None = None
    # How addresses begin; "" for all.
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
    """All of them by address: one statement, read `size` rows at a time by a cursor of the server.
    In a transaction, because a cursor that outlives one would keep the whole result on disk."""
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
    """For how many recipients each merge field is empty: one pass over the audience."""
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
    kinds of contacts.valuekinds; nothing for those that all fit. One pass over the audience."""
    columns, given = [], dict(valuekinds.PARAMETERS)
    for number, (name, kind) in enumerate(uses):
        value, json, parameter = _value_of(name, number)
        given |= parameter
        misfit = valuekinds.MISFITS[kind].format(value=value, json=json)
        columns += [
            f"count(*) FILTER (WHERE {misfit})",
            # The first by sorting, so the page says the same each time.
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
    """(a contact, how many recipients have the same values in these merge fields), at most `most`.
    Those come first whose values an expression may not take: nothing, zero, text."""
    columns, numbers = [], ["0"]
    given: dict[str, Any] = {}
    for number, name in enumerate(fields):
        value, json, parameter = _value_of(name, number)
        given |= parameter
        # As jsonb: the text "5" is another value than the number.
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
    """A merge field's value as SQL, as text and as jsonb; its parameter."""
    if name in OF_PERSON:
        return f"c.{name}", f"to_jsonb(c.{name})", {}
    key = f"field{number}"
    return f"c.attributes ->> %({key})s", f"c.attributes -> %({key})s", {key: name}


def _over_recipients(
    audience: Audience, columns: Sequence[str], given: Mapping[str, Any]
) -> Sequence[Any]:
    """Aggregates over the contacts who get the mailing: one pass, whatever their number."""
    if not columns:
        return ()
    sql = f"""
        SELECT {", ".join(columns)} FROM ({statement(audience)}) a
          JOIN contacts_contact c ON c.id = a.contact_id WHERE a.reason IS NULL
    """  # noqa: S608 - names are ours or parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(audience) | dict(given))
        return cursor.fetchone() or ()
