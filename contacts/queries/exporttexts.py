"""The cells of the export as CSV, as texts that PostgreSQL writes: a hundred times less work than a
call of Python for each cell.

A cell is what `contacts.exports.safe` makes of the value that `contacts.queries.consent` reads;
tests/contacts/test_exporttexts.py compares both. What depends on suppressions and subscriptions
follows rules that exist in Python only, so that the statement gives them as they are stored
(contacts.consentcells).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet

from contacts.consent import Stop
from contacts.exports import FORMULA
from contacts.models import Contact, Tag
from contacts.queries import consent, fullnames, ways
from contacts.suppressionmodels import Suppression
from contacts.values import APOSTROPHE
from pages import statements

# Rows of one piece of the file: a few hundred kilobytes.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Text:
    """A cell: SQL about the row, and the parameters that it names. `raw`: what it reads from the
    contact's attributes first."""

    sql: str
    parameters: tuple[tuple[str, str], ...] = ()
    raw: str = ""


class Piece(NamedTuple):
    """Some contacts. A row has: the ids of its suppressions in `stops`, in their order; facts and
    moments of its subscriptions, in the order of their lists (contacts.consentcells); the names of
    its tags, in their order on pages; a part of a line of CSV for each run of cells. Each of the
    first four may be None."""

    stops: dict[int, Stop]
    rows: list[tuple[Any, ...]]


def _first_of(characters: str) -> str:
    return f"'{{{','.join(str(ord(one)) for one in characters)}}}'::int[]"


FORMULAS = _first_of("".join(FORMULA))
# A value that begins with one of these, or with a digit 0, may be no text, or need an apostrophe.
# All other texts, which are nearly all, are copied as they are.
ODD = _first_of("".join(FORMULA) + "'0-[{tf")


# contacts.exports.safe: an import would remove the apostrophe of such a text.
_BEFORE = ("apostrophe", f"^{APOSTROPHE.pattern}")


def _safe(text: str) -> str:
    """contacts.exports.safe for an expression with a text."""
    return (
        f"CASE WHEN ascii({text}) = ANY({FORMULAS}) OR (ascii({text}) = 39"
        f" AND {text} ~ %(apostrophe)s) THEN '''' || {text} ELSE {text} END"
    )


def column(name: str) -> Text:
    """A column of the contact with a text."""
    return Text(_safe(f"c.{name}"), (_BEFORE,))


def full_name() -> Text:
    """The full name that mails show."""
    made = fullnames.of("c")
    return Text(f"(SELECT {_safe('made.name')} FROM (SELECT {made} AS name) made)", (_BEFORE,))  # noqa: S608 - only constants of ours


def moment(sql: str) -> Text:
    """contacts.consent.written for an expression with a moment."""
    return Text(f"to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')")


# `{text}`: the value as text, `{value}`: as JSON. Python writes numbers near 0 with an exponent. A
# list that isn't one of texts is written as JSON, like contacts.attributevalues.written.
ATTRIBUTE = """
CASE WHEN ascii({text}) <> ALL({odd}) THEN {text} ELSE
  CASE jsonb_typeof({value})
       WHEN 'string' THEN {safe}
       WHEN 'boolean' THEN CASE {text} WHEN 'true' THEN 'yes' ELSE 'no' END
       WHEN 'number' THEN
            CASE WHEN {text} ~ '^-?0\\.0000' THEN {text}::float8::text ELSE {text} END
       WHEN 'array' THEN
            (SELECT {listed} FROM (
                 SELECT CASE WHEN count(*) FILTER (WHERE jsonb_typeof(one) <> 'string') > 0
                             THEN {text} ELSE coalesce(string_agg(one #>> '{{}}', '; '), '') END
                   FROM jsonb_array_elements({value}) one) listed (text))
       ELSE {safe} END
  END"""


def attribute(key: str, number: int) -> Text:
    """The value of an attribute. `number`: another one for each attribute."""
    text, value = f"known.a{number}", f"(c.attributes -> %(key{number})s)"
    sql = ATTRIBUTE.format(
        text=text, value=value, odd=ODD, safe=_safe(text), listed=_safe("listed.text")
    )
    named = (f"key{number}", key)
    return Text(sql, (named, _BEFORE), raw=f"attributes ->> %(key{number})s AS a{number}")


# The attributes are read from their own storage once for each contact: `|| '{}'` copies them.
STATEMENT = """
SELECT CASE WHEN coalesce({stopped}) IS NOT NULL THEN ARRAY[{stopped}]::bigint[] END,
       on_lists.facts, on_lists.moments, tagged.names{runs}
  FROM contacts_contact c
{stops}
  LEFT JOIN LATERAL (
       SELECT string_agg(concat_ws(' ', list_id, status, consent, source_kind, source_id,
                                   afterwards), ',') AS facts,
              string_agg(to_char(changed_at AT TIME ZONE 'UTC',
                                 'YYYY-MM-DD"T"HH24:MI:SS.US'), ',') AS moments
         FROM (SELECT * FROM contacts_subscription WHERE contact_id = c.id
                ORDER BY list_id) by_list) on_lists ON true
  LEFT JOIN LATERAL (
       SELECT array_agg(tag.name ORDER BY tag.key) AS names
         FROM contacts_contacttag JOIN contacts_tag tag ON tag.id = tag_id
        WHERE contact_id = c.id AND {tags}) tagged ON true
{known}
{joins}
 WHERE c.id IN ({people})
 ORDER BY c.id
"""
KNOWN = """
  LEFT JOIN LATERAL (
       SELECT {raw} FROM (SELECT c.attributes || '{{}}' AS attributes OFFSET 0) whole
       OFFSET 0) known ON true"""


def pieces(
    found: QuerySet[Contact], workspace_id: int, runs: Sequence[Sequence[Text]]
) -> Iterator[Piece]:
    """These contacts of the workspace, in the order of their ids, with runs of adjacent cells. Like
    contacts.queries.consent.people, it is one statement in a transaction."""
    people, parameters = statements.named(found.order_by().values("pk"))
    used = ways.of(workspace_id)
    known: dict[str, Any] = {"workspace": workspace_id, **ways.parameters(), **parameters}
    for run in runs:
        known.update(pair for cell in run for pair in cell.parameters)
    raw = ", ".join(cell.raw for run in runs for cell in run if cell.raw)
    sql = STATEMENT.format(
        stopped=", ".join(f"{way.name}.id" for way in used.all),
        stops=used.joins("c.email"),
        runs="".join(map(_run, runs)),
        known=KNOWN.format(raw=raw) if raw else "",
        # A workspace without tags pays nothing for them.
        tags="true" if Tag.objects.filter(workspace=workspace_id).exists() else "false",
        joins=consent.engagement_joins(),
        people=people,
    )
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, known)
        # PostgreSQL makes the next rows while the caller works on these.
        with ThreadPoolExecutor(1, "export") as thread:
            coming = thread.submit(cursor.fetchmany, AT_ONCE)
            while rows := coming.result():
                stops = _stops({pk for row in rows if row[0] for pk in row[0]})
                coming = thread.submit(cursor.fetchmany, AT_ONCE)
                yield Piece(stops, list(map(_unwrapped, rows)))


def _run(cells: Sequence[Text]) -> str:
    """PostgreSQL writes a record in the form of CSV, in parentheses, and doubles backslashes."""
    return f",\nROW({', '.join(cell.sql for cell in cells)})::text"


def _unwrapped(row: tuple[Any, ...]) -> tuple[Any, ...]:
    runs = [run[1:-1].replace("\\\\", "\\") for run in row[4:]]
    return (*row[:4], *runs)


def _stops(ids: set[int]) -> dict[int, Stop]:
    if not ids:
        return {}
    found = Suppression.objects.filter(pk__in=ids)
    return {
        pk: consent.stop_of_columns(kind, value, *columns)
        for pk, kind, value, *columns in found.values_list("pk", "kind", "value", *consent.STOP)
    }
