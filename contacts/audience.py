"""Who gets a mailing, and why the others of its lists don't: one statement for the live count and
for the freeze, so that both always agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts import valuekinds
from contacts.mergenames import OF_PERSON

# One row a person on the lists in. `reason` (a code of pages.reasons) is null for who gets it.
# Somebody who left one of the lists but is on another still wants mail. Being suppressed says more
# than being on a list that is left out, and a list that was left says more than either: the first
# that applies is the reason. A suppressed domain means that domain, not its subdomains.
AUDIENCE = """
SELECT c.id AS contact_id, c.email AS address,
       CASE WHEN NOT p.wants THEN 'unsubscribed'
            WHEN by_address.reason IS NOT NULL THEN 'suppressed_' || by_address.reason
            WHEN by_domain.reason IS NOT NULL THEN 'suppressed_domain'
            WHEN out.contact_id IS NOT NULL THEN 'excluded'
       END AS reason,
       coalesce(by_address.id, by_domain.id) AS suppression_id
  FROM ({people}) p
  JOIN contacts_contact c ON c.id = p.contact_id AND c.workspace_id = %(workspace)s
  LEFT JOIN contacts_suppression by_address
         ON by_address.workspace_id = %(workspace)s AND by_address.kind = 'address'
        AND by_address.value = c.email AND by_address.lifted_at IS NULL
  LEFT JOIN contacts_suppression by_domain
         ON by_domain.workspace_id = %(workspace)s AND by_domain.kind = 'domain'
        AND by_domain.value = split_part(c.email, '@', 2) AND by_domain.lifted_at IS NULL
  LEFT JOIN (SELECT DISTINCT contact_id FROM contacts_subscription
              WHERE list_id = ANY(%(lists_out)s) AND status = 'subscribed') out
         ON out.contact_id = c.id
"""
# Of the people in `audience`: since when they are left out, and by which suppression or list. A
# subscription is looked up by the contact's index, and only for people whom a list leaves out:
# recipients cost nothing here. Of several lists, the one that changed last is named.
DETAILS = """
SELECT a.contact_id, a.address, a.reason,
       coalesce(by_list.changed_at, by_suppression.created_at) AS since,
       coalesce(by_list.list_id, by_suppression.id) AS cause_id
  FROM audience a
  LEFT JOIN contacts_suppression by_suppression
         ON a.reason LIKE 'suppressed%%' AND by_suppression.id = a.suppression_id
  LEFT JOIN LATERAL (
       SELECT s.changed_at, s.list_id FROM contacts_subscription s
        WHERE s.contact_id = a.contact_id
          AND CASE a.reason
              WHEN 'unsubscribed'
              THEN s.list_id = ANY(%(lists_in)s) AND s.status <> 'subscribed'
              WHEN 'excluded'
              THEN s.list_id = ANY(%(lists_out)s) AND s.status = 'subscribed' END
        ORDER BY s.changed_at DESC, s.list_id LIMIT 1) by_list
         ON a.reason IN ('unsubscribed', 'excluded')
"""
SEVERAL_LISTS = """
SELECT contact_id, bool_or(status = 'subscribed') AS wants
  FROM contacts_subscription
 WHERE list_id = ANY(%(lists_in)s) GROUP BY contact_id
"""
# Nobody is twice on one list. Without the grouping PostgreSQL counts on several cores: a million
# people take their backend a third of its time.
ONE_LIST = """
SELECT contact_id, status = 'subscribed' AS wants
  FROM contacts_subscription
 WHERE list_id = ANY(%(lists_in)s)
"""


def statement(lists_in: Sequence[int]) -> str:
    """The audience's query, for `parameters` of the same lists."""
    several = len(set(lists_in)) > 1
    return AUDIENCE.replace("{people}", SEVERAL_LISTS if several else ONE_LIST)


def parameters(
    workspace_id: int, lists_in: Sequence[int], lists_out: Sequence[int]
) -> dict[str, Any]:
    return {
        "workspace": workspace_id,
        "lists_in": list(lists_in),
        "lists_out": list(lists_out),
    }


def count(workspace_id: int, lists_in: Sequence[int], lists_out: Sequence[int]) -> dict[str, Any]:
    """{"recipients": n, "excluded": {reason: n}}"""
    sql = f"SELECT reason, count(*) FROM ({statement(lists_in)}) a GROUP BY 1 ORDER BY 2 DESC"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(workspace_id, lists_in, lists_out))
        counts = dict(cursor.fetchall())
    return {"recipients": counts.pop(None, 0), "excluded": counts}


def anybody(workspace_id: int, lists_in: Sequence[int], lists_out: Sequence[int]) -> bool:
    """Whether somebody would get it. Ends with the first one: nobody is counted. Whoever is
    subscribed to one of several lists wants mail, so that they need not be brought together."""
    sql = f"SELECT 1 FROM ({AUDIENCE.replace('{people}', ONE_LIST)}) a WHERE reason IS NULL LIMIT 1"  # noqa: S608 - only constants of ours
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(workspace_id, lists_in, lists_out))
        return cursor.fetchone() is not None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the lists. `reason` (a code of pages.reasons) is None for a recipient; `since`
    and `cause_id` (a suppression's or a list's) belong to the reason."""

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
    """The lists of a campaign, and which of their people are asked for."""

    workspace_id: int
    lists_in: Sequence[int]
    lists_out: Sequence[int]
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
        known = parameters(self.workspace_id, self.lists_in, self.lists_out)
        return " AND ".join(found), known | {
            "reason": self.reason,
            "begins": self.begins,
            "contacts": list(self.contact_ids or ()),
        }


def people(
    question: Question, *, after: str | None = None, limit: int, backward: bool = False
) -> list[Person]:
    """The next people by address after `after` (backward: those before it, the nearest first)."""
    conditions, known = question.sql()
    if after is not None:
        conditions += f" AND address {'<' if backward else '>'} %(after)s"
    sql = PEOPLE.format(
        audience=statement(question.lists_in),
        conditions=conditions,
        details=DETAILS,
        order="DESC" if backward else "ASC",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, known | {"after": after, "limit": limit})
        return [Person(*row) for row in cursor.fetchall()]


def stream(question: Question, size: int) -> Iterator[Person]:
    """All of them by address: one statement, read `size` rows at a time by a cursor of the server.
    In a transaction, because a cursor that outlives one would keep the whole result on disk."""
    conditions, known = question.sql()
    sql = PEOPLE.format(
        audience=statement(question.lists_in),
        conditions=conditions,
        details=DETAILS,
        order="ASC",
    )
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, known | {"limit": None})
        while rows := cursor.fetchmany(size):
            yield from (Person(*row) for row in rows)


def count_people(question: Question) -> int:
    conditions, known = question.sql()
    sql = f"SELECT count(*) FROM ({statement(question.lists_in)}) a WHERE {conditions}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, known)
        return int((cursor.fetchone() or (0,))[0])


def missing_fields(
    workspace_id: int, lists_in: Sequence[int], lists_out: Sequence[int], fields: Sequence[str]
) -> dict[str, int]:
    """For how many recipients each merge field is empty: one pass over the audience."""
    columns: list[str] = []
    given: dict[str, str] = {}
    for number, name in enumerate(fields):
        value, _json, parameter = _value_of(name, number)
        given |= parameter
        columns.append(f"count(*) FILTER (WHERE coalesce({value}, '') = '')")
    counted = _over_recipients(workspace_id, lists_in, lists_out, columns, given)
    return dict(zip(fields, counted, strict=False))


def unfit_values(
    workspace_id: int,
    lists_in: Sequence[int],
    lists_out: Sequence[int],
    uses: Sequence[tuple[str, str]],
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
    counted = _over_recipients(workspace_id, lists_in, lists_out, columns, given)
    pairs = zip(counted[::2], counted[1::2], strict=True)
    return {
        use: (count, sample) for use, (count, sample) in zip(uses, pairs, strict=False) if count
    }


def kinds_of_people(
    workspace_id: int,
    lists_in: Sequence[int],
    lists_out: Sequence[int],
    fields: Sequence[str],
    *,
    most: int,
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
        SELECT min(c.id), count(*) FROM ({statement(lists_in)}) a
          JOIN contacts_contact c ON c.id = a.contact_id WHERE a.reason IS NULL
         {grouped} ORDER BY min({" + ".join(numbers)}), 2 DESC, 1 LIMIT %(most)s
    """  # noqa: S608 - names are ours or parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(workspace_id, lists_in, lists_out) | given | {"most": most})
        return [row for row in cursor.fetchall() if row[1]]


def _value_of(name: str, number: int) -> tuple[str, str, dict[str, str]]:
    """A merge field's value as SQL, as text and as jsonb; its parameter."""
    if name in OF_PERSON:
        return f"c.{name}", f"to_jsonb(c.{name})", {}
    key = f"field{number}"
    return f"c.attributes ->> %({key})s", f"c.attributes -> %({key})s", {key: name}


def _over_recipients(
    workspace_id: int,
    lists_in: Sequence[int],
    lists_out: Sequence[int],
    columns: Sequence[str],
    given: Mapping[str, Any],
) -> Sequence[Any]:
    """Aggregates over the contacts who get the mailing: one pass, whatever their number."""
    if not columns:
        return ()
    sql = f"""
        SELECT {", ".join(columns)} FROM ({statement(lists_in)}) a
          JOIN contacts_contact c ON c.id = a.contact_id WHERE a.reason IS NULL
    """  # noqa: S608 - names are ours or parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters(workspace_id, lists_in, lists_out) | dict(given))
        return cursor.fetchone() or ()
