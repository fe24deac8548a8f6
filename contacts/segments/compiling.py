"""Compiles a checked rule to SQL.

Each condition is either true or false for a row `c` of contacts, or a query with the ids of
contacts. A query is joined to the contacts (IN, NOT EXISTS), never asked for each contact: at a
million contacts a count then reads an index of contacts and the narrow tables, not the contacts.
Queries of one ANY group become one, because a join needs no memory for each of them.

The contacts of a group within a group are found once (`_once`). Where PostgreSQL's statistics don't
know a workspace yet, it expects one contact and joins by loops: without that, each level of a rule
would be computed again for each contact of the level above, which never ends for a few hundred.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contacts.segments.kinds import Context, Match, kinds
from contacts.segments.nesting import SEGMENT
from contacts.segments.rules import ALL, NONE, Condition, Group
from contacts.segments.sql import Sql, given, joined, put

OF_WORKSPACE = "SELECT c.id AS contact_id FROM contacts_contact c WHERE c.workspace_id = {} AND {}"


@dataclass(frozen=True, slots=True)
class _Branch:
    """A compiled group."""

    match: str
    items: "tuple[_Branch | Match, ...]"

    @property
    def plain(self) -> bool:
        """Whether no query is in it, only conditions on the row."""
        return all(_plain(item) for item in self.items)


def _plain(item: "_Branch | Match") -> bool:
    return item.plain if isinstance(item, _Branch) else not item.people


def people(rule: Group, context: Context) -> Sql:
    """A query with the ids of the contacts that match, as `contact_id`, each once."""
    return _rows(_compiled(rule, context), context)


def condition(item: Group | Condition, context: Context) -> Sql:
    """SQL that is true for a row `c` of contacts that matches."""
    return _where(_compiled(item, context), context)


def asked(item: Group | Condition, context: Context) -> Sql:
    """The same for one contact, by its id in each index. May be null, which is not true."""
    if isinstance(item, Group):
        parts = [asked(one, context) for one in item.items]
        if item.match == ALL:
            return joined("AND", parts)
        found = joined("OR", parts)
        return put("({} IS NOT TRUE)", found) if item.match == NONE else found
    if item.kind == SEGMENT:
        inner = asked(context.rules[int(item.subject)], context)
        return put("({} IS NOT TRUE)" if item.operator == "not_in" else "{}", inner)
    compiled = _compiled(item, context)
    if isinstance(compiled, Match) and compiled.of_one:
        compiled = compiled.of_one
    if isinstance(compiled, _Branch) or not compiled.people:
        return _where(compiled, context)
    exists = "EXISTS (SELECT FROM ({}) found WHERE found.contact_id = c.id)"
    return put(("NOT " if compiled.without else "") + exists, compiled.sql)


def _compiled(item: Group | Condition, context: Context) -> _Branch | Match:
    if isinstance(item, Group):
        return _Branch(item.match, tuple(_compiled(one, context) for one in item.items))
    subject = context.subjects.get(item.kind, item.subject)
    if subject is None:  # checked before
        raise LookupError(f"{item.kind} {item.subject}")
    return kinds[item.kind].compile(item, subject, context)


def _where(item: _Branch | Match, context: Context) -> Sql:
    if isinstance(item, Match):
        if not item.people:
            return item.sql
        return _outside(item.sql) if item.without else _inside(item.sql)
    if item.match == ALL:
        return joined("AND", [_where(one, context) for one in item.items])
    if item.plain:
        found = joined("OR", [_where(one, context) for one in item.items])
        # A condition on a missing value is null, which is not true either.
        return put("{} IS NOT TRUE", found) if item.match == NONE else found
    rows = _each(item.items, context)
    if item.match == NONE:
        return _outside(put(" UNION ALL ".join(["{}"] * len(rows)), *rows))
    # UNION, since of UNION ALL the planner expects 200 different contacts, whatever its size, and
    # then looks each one up by the index of contacts (605 ms, not 272, for 43,000 of 100,000).
    return _inside(put(" UNION ".join(["{}"] * len(rows)), *rows))


def _inside(rows: Sql) -> Sql:
    return put("c.id IN ({})", rows)


def _outside(rows: Sql) -> Sql:
    return put("NOT EXISTS (SELECT FROM ({}) found WHERE found.contact_id = c.id)", rows)


def _each(items: Sequence[_Branch | Match], context: Context) -> list[Sql]:
    """Queries with the contacts of each of these: those of all plain ones by one query."""
    plain = [_where(item, context) for item in items if _plain(item)]
    rows = [
        _once(found) if isinstance(item, _Branch) else found
        for item in items
        if not _plain(item)
        for found in (_rows(item, context),)
    ]
    if plain:
        rows.append(_of_workspace(joined("OR", plain), context))
    return rows


def _once(rows: Sql) -> Sql:
    return put("SELECT contact_id FROM (WITH once AS MATERIALIZED ({}) TABLE once) o", rows)


def once(rule: Group, context: Context) -> Sql:
    """`people` of a rule that is part of another one."""
    return _once(people(rule, context))


def _rows(item: _Branch | Match, context: Context) -> Sql:
    if isinstance(item, Match) and item.people and not item.without:
        return item.sql
    return _of_workspace(_where(item, context), context)


def _of_workspace(where: Sql, context: Context) -> Sql:
    return put(OF_WORKSPACE, given(context.workspace_id, "bigint"), where)
