"""The contacts of a segment: their number, a page of them, and why a contact is one of them."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts.models import Workspace
from contacts.exceptions import ContactsError
from contacts.models import Contact
from contacts.segmentmodels import Segment
from contacts.segments import checking, compiling, kinds, nesting, rules
from contacts.segments.checking import RuleError
from contacts.segments.rules import Condition, Group, Path
from contacts.segments.sql import Sql, given, put
from pages import numbers

# Seconds for the queries of a count that a page asks for beside the builder.
PATIENCE = 5
# SQLSTATE query_canceled.
CANCELLED = "57014"
SAMPLE = 10


class TooSlowError(ContactsError):
    """Counting took longer than a page may wait."""


class BrokenError(ContactsError):
    """A rule that can't be used any more: something that it names was removed."""


@contextmanager
def patient(seconds: float = PATIENCE) -> Iterator[None]:
    """Ends each query of the block after so many seconds. Raises TooSlowError."""
    try:
        with transaction.atomic():
            before = _timeout("SHOW statement_timeout")
            _timeout("SELECT set_config('statement_timeout', %s, true)", f"{int(seconds * 1000)}ms")
            yield
            _timeout("SELECT set_config('statement_timeout', %s, true)", before)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != CANCELLED:
            raise
        raise TooSlowError from error


def _timeout(sql: str, *given: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql, given or None)
        return str((cursor.fetchone() or ("0",))[0])


# Rules -------------------------------------------------------------------------------------------


def stored(segment: Segment) -> Group | None:
    """The rule as it is stored; None: it can't be read."""
    with suppress(rules.ShapeError):
        return rules.read(segment.rule)
    return None


def used(workspace_id: int, rule: Group) -> dict[int, Group]:
    """The rules of the segments that this rule uses, also by way of others. One query for each
    level; so many segments that the rule is too large are not read."""
    found: dict[int, Group] = {}
    waiting = nesting.used(rule)
    while waiting and len(found) <= nesting.MOST_CONDITIONS:
        rows = Segment.objects.filter(workspace=workspace_id, pk__in=waiting)
        fresh = {one.pk: read for one in rows if (read := stored(one)) is not None}
        found |= fresh
        waiting = {pk for read in fresh.values() for pk in nesting.used(read)} - found.keys()
    return found


# A rule may be large, so the database looks into the rules.
USERS = """
SELECT id FROM contacts_segment
 WHERE workspace_id = %s
   AND jsonb_path_exists(rule, '$.** ? (@.kind == $kind && @.subject == $subject)',
                         jsonb_build_object('kind', %s::text, 'subject', %s::text))
 ORDER BY name
"""


def users(workspace_id: int, number: int) -> list[int]:
    """The ids of the segments that name this one themselves."""
    return naming(workspace_id, nesting.SEGMENT, str(number))


def naming(workspace_id: int, kind: str, subject: str) -> list[int]:
    """The ids of the segments with a condition about this subject."""
    with connection.cursor() as cursor:
        cursor.execute(USERS, [workspace_id, kind, subject])
        return [pk for (pk,) in cursor.fetchall()]


def subjects(workspace_id: int, some: Iterable[Group], *, choices: bool = False) -> kinds.Subjects:
    """What these rules are about, of which only one is in memory at a time. `choices`: and all that
    conditions may be about."""
    wanted: dict[str, set[str]] = {}
    for rule in some:
        for kind, keys in rules.subjects(rule).items():
            wanted.setdefault(kind, set()).update(keys)
    return kinds.found(workspace_id, wanted, choices=choices)


def context(
    workspace: Workspace, rule: Group, *, at: dt.datetime | None = None
) -> tuple[Group, kinds.Context]:
    """The checked rule, and what its SQL depends on. `at`: the moment of "today"; None: now.

    Raises RuleError for the rule itself, BrokenError for one of the segments that it uses, and
    NestingError.
    """
    others = used(workspace.pk, rule)
    nesting.check(rule, others)
    known = subjects(workspace.pk, [rule, *others.values()])
    checked = checking.check(rule, known)
    try:
        inner = {pk: checking.check(one, known) for pk, one in others.items()}
    except RuleError as error:
        raise BrokenError from error
    zone = ZoneInfo(workspace.timezone)
    today = (at or timezone.now()).astimezone(zone).date()
    return checked, kinds.Context(workspace.pk, today, zone, known, inner)


class UnusableError(ContactsError):
    """A segment whose rule can't be used; `segment` is None if it was deleted. `incomplete`: what
    is missing of the people that it keeps, or that a segment in it keeps."""

    def __init__(self, segment: Segment | None, incomplete: str = "") -> None:
        super().__init__(segment.name if segment else "")
        self.segment = segment
        self.incomplete = incomplete


def of(workspace_id: int, numbers: Iterable[int]) -> list[Segment]:
    """The segments with these ids, in their order. Raises UnusableError if one does not exist."""
    wanted = sorted(set(numbers))
    rows = Segment.objects.filter(workspace=workspace_id).select_related("workspace")
    found = rows.in_bulk(wanted)
    if len(found) < len(wanted):
        raise UnusableError(None)
    return [found[pk] for pk in wanted]


def usable(segment: Segment) -> tuple[Group, kinds.Context]:
    """The checked rule with what its SQL depends on. Raises UnusableError."""
    return _usable(segment, segment.workspace, None)


def incomplete(error: BaseException | None) -> str:
    """What is missing (checking.Problem.incomplete), of what `context` raises; "": nothing is."""
    while error is not None and not isinstance(error, RuleError):
        error = error.__cause__
    return next((one.incomplete for one in error.problems if one.incomplete), "") if error else ""


# People ------------------------------------------------------------------------------------------


def filtered(
    people: QuerySet[Contact], workspace: Workspace, number: str, *, at: dt.datetime | None = None
) -> QuerySet[Contact]:
    """Those of the contacts who are in the segment with this number. Nobody is in one that does not
    exist, or that can't be used any more."""
    segment = _numbered(workspace, number)
    if segment is None:
        return people.none()
    try:
        found = compiling.people(*_usable(segment, workspace, at))
    except UnusableError:
        return people.none()
    return people.filter(pk__in=RawSQL(found.text, found.parameters))  # noqa: S611 - what people typed is a parameter


def broken(workspace: Workspace, number: str) -> UnusableError | None:
    """Why the segment with this number can't be used any more, or not yet."""
    segment = _numbered(workspace, number)
    try:
        if segment:
            _usable(segment, workspace, None)
    except UnusableError as error:
        return error
    return None


def _numbered(workspace: Workspace, number: str) -> Segment | None:
    pk = numbers.whole(number)
    if pk is None:
        return None
    return Segment.objects.filter(workspace=workspace, pk=pk).first()


def _usable(
    segment: Segment, workspace: Workspace, at: dt.datetime | None
) -> tuple[Group, kinds.Context]:
    rule = stored(segment)
    if rule is None:
        raise UnusableError(segment)
    try:
        return context(workspace, rule, at=at)
    except (RuleError, BrokenError, nesting.NestingError) as error:
        raise UnusableError(segment, incomplete(error)) from error


def count(rule: Group, known: kinds.Context) -> int:
    return int(_row(put("SELECT count(*) FROM ({}) found", compiling.people(rule, known)))[0])


# One look into the index of addresses for each line.
UNMATCHED = """
SELECT number, line FROM unnest(%s::int[], %s::text[]) WITH ORDINALITY AS given(number, line, place)
 WHERE NOT EXISTS (SELECT FROM contacts_contact c
                    WHERE c.workspace_id = %s AND c.email = lower(normalize(line, NFKC)))
 ORDER BY place
"""


def unmatched(rule: Group, workspace: Workspace) -> dict[Path, tuple[int, list[str]]]:
    """{path of a condition with a list of addresses: (number of lines, those of no contact)}"""
    lists = [
        (path, [str(line) for line in item.values])
        for path, item in rules.walk(rule)
        if isinstance(item, Condition)
        and (item.kind, item.subject) == ("person", "email")
        and item.operator in {"one_of", "none_of"}
    ]
    found: dict[Path, tuple[int, list[str]]] = {path: (len(some), []) for path, some in lists}
    numbered = [(number, line) for number, (_p, some) in enumerate(lists) for line in some]
    if numbered:
        with connection.cursor() as cursor:
            cursor.execute(UNMATCHED, [*map(list, zip(*numbered, strict=True)), workspace.pk])
            for number, line in cursor.fetchall():
                found[lists[number][0]][1].append(line)
    return found


def everybody(workspace: Workspace) -> int:
    """How many contacts the workspace has."""
    return Contact.objects.filter(workspace=workspace).count()


def sample(rule: Group, known: kinds.Context, limit: int = SAMPLE) -> list[Contact]:
    """The latest contacts of the segment, as the table of contacts begins."""
    where = compiling.condition(rule, known)
    sql = put(
        "SELECT c.* FROM contacts_contact c WHERE c.workspace_id = {} AND {}"
        " ORDER BY c.id DESC LIMIT {}",
        given(known.workspace_id, "bigint"),
        where,
        given(limit, "int"),
    )
    return list(Contact.objects.raw(sql.text, sql.parameters))


@dataclass(frozen=True, slots=True)
class Step:
    """How many contacts match the rule with only its items up to this one, and this item alone."""

    item: Condition | Group
    remaining: int
    alone: int


def steps(rule: Group, known: kinds.Context) -> list[Step]:
    """One statement with two counts for each item of the outermost group."""
    sides = [
        one
        for number, item in enumerate(rule.items)
        for one in (Group(rule.match, rule.items[: number + 1]), Group(rules.ALL, (item,)))
    ]
    counts = [
        put("(SELECT count(*) FROM ({}) found)", compiling.people(one, known)) for one in sides
    ]
    row = _row(put("SELECT " + ", ".join(["{}"] * len(counts)), *counts)) if counts else ()
    pairs = zip(row[::2], row[1::2], strict=True)
    return [
        Step(item, remaining, alone)
        for item, (remaining, alone) in zip(rule.items, pairs, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a contact matches an item of a rule. `value`: what was found, for a condition."""

    path: Path
    item: Condition | Group
    matches: bool
    value: str = ""


ASKED = "SELECT {columns} FROM contacts_contact c WHERE c.workspace_id = {{}} AND c.id = {{}}"


def ask(rule: Group, known: kinds.Context, contact: Contact) -> list[Answer]:
    """An answer for each item of the rule, the rule itself first: one statement about one row."""
    items = list(rules.walk(rule))
    columns = [
        sql
        for _path, item in items
        for sql in (put("({}) IS TRUE", compiling.asked(item, known)), _value(item, known))
    ]
    one = (given(known.workspace_id, "bigint"), given(contact.pk, "bigint"))
    row = _row(put(ASKED.format(columns=", ".join(["{}"] * len(columns))), *columns, *one))
    pairs = zip(row[::2], row[1::2], strict=True)
    return [
        Answer(path, item, matches, _told(item, value, known))
        for (path, item), (matches, value) in zip(items, pairs, strict=True)
    ]


def _value(item: Condition | Group, known: kinds.Context) -> Sql:
    subject = known.subjects.get(item.kind, item.subject) if isinstance(item, Condition) else None
    if isinstance(item, Group) or subject is None:
        return Sql("NULL::text")
    return kinds.kinds[item.kind].value(item, subject, known)


def _told(item: Condition | Group, value: str | None, known: kinds.Context) -> str:
    if isinstance(item, Group):
        return ""
    subject = known.subjects.get(item.kind, item.subject)
    return kinds.kinds[item.kind].told(subject, value) if subject else ""


def _row(sql: Sql) -> Sequence[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.parameters)
        return cursor.fetchone() or ()
