"""An audience as one SQL statement, for its count, its pages and the freeze, so that these always
agree."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contacts.audience import Audience, AudiencePart
from contacts.queries import copies, parts, segmentparts, ways
from contacts.queries.parts import PartKind
from contacts.queries.ways import Ways
from contacts.segments.sql import Sql

# The modules that register the kinds of this app.
KINDS = (parts, copies, segmentparts)
# One row for each person in the included parts. `reason` (a code of pages.reasons) is null for
# recipients. A person who left one of the lists but is on another still wants mail. The first
# reason that applies is given: not on a list, suppressed, excluded.
AUDIENCE = """
SELECT c.id AS contact_id, c.email AS address,
       coalesce(CASE p.standing {standings} END, {stopped}, {excluded}) AS reason,
       {cause} AS suppression_id{columns}
  FROM ({people}) p
  JOIN contacts_contact c ON c.id = p.contact_id AND c.workspace_id = %(workspace)s
{joins}
"""
STANDINGS = " ".join(f"WHEN {number} THEN '{code}'" for number, code in parts.REASONS.items())
# For an audience without parts.
NOBODY = "SELECT 0::bigint AS contact_id, 0 AS standing WHERE false"
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
PLACES = re.compile(r"%%|%s")


@dataclass(frozen=True, slots=True)
class _Part:
    """One part's SQL with named parameters."""

    kind: PartKind
    people: str
    cause: str
    # It has each person once.
    once: bool


@dataclass(frozen=True, slots=True)
class AudienceSql:
    """The statements of an audience. All need `parameters`; those of a `piece` also first and last,
    ids of contacts."""

    included: tuple[_Part, ...]
    excluded: tuple[_Part, ...]
    stops: Ways
    parameters: dict[str, Any]
    # SQL of further columns of the statement, of the contact `c`: ", c.id AS number".
    columns: str = ""

    @property
    def statement(self) -> str:
        """Rows of AUDIENCE, each person once."""
        return self._statement(self._each_once())

    @property
    def loose(self) -> str:
        """The same, but a person in several parts may come several times, which is faster."""
        return self._statement(self.people)

    def _statement(self, people: str) -> str:
        names = [(f"out{number}", part) for number, part in enumerate(self.excluded)]
        joins = [self.stops.joins("c.email", ignoring=bool(self.parameters["ignored"]))]
        joins += [EXCLUDED.format(people=part.people, name=name) for name, part in names]
        codes = " ".join(
            f"WHEN {name}.contact_id IS NOT NULL THEN '{part.kind.reason}'" for name, part in names
        )
        return AUDIENCE.format(
            standings=STANDINGS,
            stopped=self.stops.reason,
            cause=self.stops.cause,
            excluded=f"CASE {codes} END" if codes else "NULL",
            people=people,
            joins="\n".join(joins),
            columns=self.columns,
        )

    @property
    def people(self) -> str:
        """Rows of (contact_id, standing): everybody in the included parts."""
        return "\nUNION ALL\n".join(part.people for part in self.included) or NOBODY

    def _each_once(self) -> str:
        # Without grouping PostgreSQL counts on several cores: a million people take a third of the
        # time.
        if not self.included or (len(self.included) == 1 and self.included[0].once):
            return self.people
        return (
            f"SELECT contact_id, max(standing) AS standing FROM ({self.people}) m"  # noqa: S608
            " GROUP BY contact_id"
        )

    @property
    def details(self) -> str:
        """The people left out of `audience`, a table with the statement's rows, with cause and
        time."""
        causes = [
            (f"cause{number}", part) for number, part in enumerate(self.excluded) if part.cause
        ]
        return DETAILS.format(
            since="".join(f", {name}.since" for name, _part in causes),
            cause_id="".join(f", {name}.cause_id" for name, _part in causes),
            causes="\n".join(
                f"  LEFT JOIN LATERAL ({part.cause}) {name} ON a.reason = '{part.kind.reason}'"
                for name, part in causes
            ),
        )


def of(audience: Audience, *, piece: bool = False, columns: str = "") -> AudienceSql:
    """`columns`: see AudienceSql. Raises UnusableError for a segment whose rule can't be used. A
    rule's "today" is that of this moment."""
    parameters: dict[str, Any] = {
        "workspace": audience.workspace_id,
        "lists": list(audience.list_ids),
        "ignored": list(audience.ignored),
        **ways.parameters(),
    }

    def made(some: Iterable[AudiencePart], side: str) -> tuple[_Part, ...]:
        return tuple(
            _part(audience.workspace_id, part, f"{side}{number}", parameters, piece=piece)
            for number, part in enumerate(some)
        )

    included, excluded = made(audience.include, "include"), made(audience.exclude, "exclude")
    stops = ways.of(audience.workspace_id)
    return AudienceSql(included, excluded, stops, parameters, columns)


def _part(
    workspace_id: int, part: AudiencePart, name: str, parameters: dict[str, Any], *, piece: bool
) -> _Part:
    kind = parts.kinds[part.kind]
    including = name.startswith("include")
    if kind.made:
        sql = kind.made(workspace_id, part.ids)
        people = _named(sql.include if including else sql.exclude, name, parameters)
        cause = "" if including else _named(sql.cause, f"{name}_cause", parameters)
    else:
        parameters[name] = list(part.ids)
        text = kind.include if including else kind.exclude
        people = text.format(ids=f"%({name})s", within=kind.within if piece else "")
        cause = kind.cause.format(ids=f"%({name})s")
    if piece:
        # So that a piece reads only its own people, by the indexes on contacts.
        people = f"SELECT * FROM ({people}) p WHERE contact_id BETWEEN %(first)s AND %(last)s"  # noqa: S608
    return _Part(kind, people, cause, kind.once and (len(part.ids) == 1 or kind.made is not None))


def _named(sql: Sql, name: str, parameters: dict[str, Any]) -> str:
    """The text with a name for each of its parameters, which are put into `parameters`."""
    values = iter(enumerate(sql.parameters))

    def place(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%%"
        number, value = next(values)
        parameters[f"{name}_{number}"] = value
        return f"%({name}_{number})s"

    return PLACES.sub(place, sql.text)
