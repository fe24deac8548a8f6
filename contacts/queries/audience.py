"""The recipients of an audience, and the reasons why others of it are left out: counted, listed,
searched, and their merge fields. Each function raises UnusableError for a segment whose rule can't
be used."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts import valuekinds
from contacts.audience import Audience
from contacts.mergenames import OF_PERSON
from contacts.queries import audiencesql, fullnames


def count(audience: Audience) -> dict[str, Any]:
    """{"recipients": n, "excluded": {reason: n}}"""
    asked = audiencesql.of(audience)
    sql = f"SELECT reason, count(*) FROM ({asked.statement}) a GROUP BY 1 ORDER BY 2 DESC"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters)
        counts = dict(cursor.fetchall())
    return {"recipients": counts.pop(None, 0), "excluded": counts}


def anybody(audience: Audience) -> bool:
    """Whether anybody would get it. Stops at the first recipient. A person subscribed to one of
    several lists wants mail, so that rows need no grouping."""
    asked = audiencesql.of(audience)
    sql = f"SELECT 1 FROM ({asked.loose}) a WHERE reason IS NULL LIMIT 1"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters)
        return cursor.fetchone() is not None


def first_recipient(audience: Audience, first: int, last: int) -> int | None:
    """The recipient with the lowest id from `first` to `last`; None: nobody there gets it. Reads
    only contacts of this range."""
    asked = audiencesql.of(audience, piece=True)
    sql = f"SELECT min(contact_id) FROM ({asked.statement}) a WHERE reason IS NULL"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters | {"first": first, "last": last})
        return (cursor.fetchone() or (None,))[0]


def more_than(audience: Audience, number: int) -> bool:
    """Whether it includes more than `number` people. Stops at the first one above."""
    asked = audiencesql.of(audience)
    sql = f"SELECT count(*) FROM (SELECT FROM ({asked.people}) p LIMIT %(most)s) few"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters | {"most": number + 1})
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
    # A condition of an app to the right, on further columns of the audience (AudienceSql.columns).
    condition: str = ""
    columns: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    def sql(self) -> tuple[audiencesql.AudienceSql, str, dict[str, Any]]:
        """(the audience, a condition on its rows, the parameters of both)"""
        found = ["true"]
        if self.reason is not None:
            found.append(CONDITIONS.get(self.reason, "reason = %(reason)s"))
        if self.begins:
            found.append("starts_with(address, %(begins)s)")
        if self.contact_ids is not None:
            found.append("contact_id = ANY(%(contacts)s)")
        if self.condition:
            found.append(f"({self.condition})")
        asked = audiencesql.of(self.audience, columns=self.columns)
        return (
            asked,
            " AND ".join(found),
            asked.parameters
            | dict(self.given)
            | {
                "reason": self.reason,
                "begins": self.begins,
                "contacts": list(self.contact_ids or ()),
            },
        )


def people(
    question: Question, *, after: str | None = None, limit: int, backward: bool = False
) -> list[AudiencePerson]:
    """The next people by address after `after` (backward: those before it, the nearest first)."""
    asked, conditions, known = question.sql()
    if after is not None:
        conditions += f" AND address {'<' if backward else '>'} %(after)s"
    sql = PEOPLE.format(
        audience=asked.statement,
        conditions=conditions,
        details=asked.details,
        order="DESC" if backward else "ASC",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, known | {"after": after, "limit": limit})
        return [AudiencePerson(*row) for row in cursor.fetchall()]


def stream(question: Question, size: int) -> Iterator[AudiencePerson]:
    """All matching people by address: one statement, read `size` rows at a time with a server-side
    cursor. In a transaction, because a cursor WITH HOLD would store the whole result on disk."""
    asked, conditions, known = question.sql()
    sql = PEOPLE.format(
        audience=asked.statement,
        conditions=conditions,
        details=asked.details,
        order="ASC",
    )
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, known | {"limit": None})
        while rows := cursor.fetchmany(size):
            yield from (AudiencePerson(*row) for row in rows)


def count_people(question: Question) -> int:
    asked, conditions, known = question.sql()
    sql = f"SELECT count(*) FROM ({asked.statement}) a WHERE {conditions}"  # noqa: S608
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
    asked = audiencesql.of(audience)
    # One pass over the audience, and one group for each way in which the values differ.
    sql = f"""
        SELECT min(c.id), count(*) FROM ({asked.statement}) a
          JOIN contacts_contact c ON c.id = a.contact_id WHERE a.reason IS NULL
         {grouped} ORDER BY min({" + ".join(numbers)}), 2 DESC, 1 LIMIT %(most)s
    """  # noqa: S608 - names are ours or parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters | given | {"most": most})
        return [row for row in cursor.fetchall() if row[1]]


def _value_of(name: str, number: int) -> tuple[str, str, dict[str, str]]:
    """(SQL of a merge field's value as text, the same as jsonb, parameters)."""
    if name == "full_name":
        value = f"({fullnames.of('c')})"
        return value, f"to_jsonb({value})", {}
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
    asked = audiencesql.of(audience)
    sql = f"""
        SELECT {", ".join(columns)} FROM ({asked.statement}) a
          JOIN contacts_contact c ON c.id = a.contact_id WHERE a.reason IS NULL
    """  # noqa: S608 - names are ours or parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.parameters | dict(given))
        return cursor.fetchone() or ()
