"""Kinds of conditions. Each app registers those about its data in its module
`queries.conditions`."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise

from contacts.segments.operators import Operator
from contacts.segments.rules import Condition, Group
from contacts.segments.sql import Sql
from pages.numbers import whole
from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition is about: an attribute, a list, ... `choices`: values of an operator that
    takes one of them, with their labels."""

    key: str
    label: str | Promise
    operators: tuple[Operator, ...]
    choices: tuple[tuple[str, str | Promise], ...] = ()
    # Its type, for kinds with subjects of several types.
    type: str = ""
    # The attribute whose values are indexed (contacts.valuemodels); 0: they are not.
    indexed: int = 0
    # Whether a person gave it its name, so that sentences quote it.
    named: bool = False
    # Why conditions about it can't be used yet, such as "incomplete: 0 of 4,021".
    incomplete: str = ""
    # How often it can have happened at most, for operators that ask how often; 0: any number.
    most: int = 0
    # The values in a pasted line, for operators that take lines; None: the line itself.
    in_line: Callable[[str], list[str]] | None = None

    def operator(self, key: str) -> Operator | None:
        return next((one for one in self.operators if one.key == key), None)


@dataclass(frozen=True, slots=True)
class Context:
    """What the SQL of a rule depends on: the workspace's day and zone, and the rules of other
    segments."""

    workspace_id: int
    today: dt.date
    zone: ZoneInfo
    subjects: "Subjects"
    rules: Mapping[int, Group] = field(default_factory=dict)
    # What kinds of conditions have looked up for this rule, by keys of their own.
    memo: dict[tuple[str, str], Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Match:
    """The contacts of a condition: SQL that is true for a contact `c`; or (`people`) a query with
    their ids as `contact_id`, which reads narrow tables and not the wide one of contacts.
    `without`: all contacts but those of the query. `of_one`: the same for one contact, if that is
    asked in another way."""

    sql: Sql
    people: bool = False
    without: bool = False
    of_one: "Match | None" = None


@dataclass(frozen=True, slots=True)
class Found:
    """The first subjects whose name has the text, and how many there are in all."""

    text: str
    subjects: tuple[Subject, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ConditionKind:
    key: str
    # The heading above its subjects in the builder's choice.
    label: str | Promise
    # (workspace id, keys that a rule has) -> the subjects to choose from, and those of the keys
    # that exist.
    subjects: Callable[[int, Collection[str]], Iterable[Subject]]
    compile: Callable[[Condition, Subject, Context], Match]
    # The value of the contact `c`, as text, for "ask about one contact".
    value: Callable[[Condition, Subject, Context], Sql]
    # Tells such a value; None: the contact has none.
    told: Callable[[Subject, str | None], str]
    # Whether its subjects are themselves choices of what a condition is about. If not, the kind is,
    # and the subject is chosen beside it.
    flat: bool = False
    # (workspace id, text) -> what is found, for kinds with more subjects than can be offered.
    search: Callable[[int, str], Found] | None = None


def ids(keys: Iterable[str]) -> list[int]:
    """Keys of subjects as ids of rows."""
    return [pk for key in keys if (pk := whole(key)) is not None]


kinds: Registry[ConditionKind] = Registry(key=attrgetter("key"))


class Subjects:
    """The subjects of a workspace, by kind and key."""

    def __init__(self, found: Mapping[str, Iterable[Subject]]) -> None:
        self._found = {kind: {one.key: one for one in some} for kind, some in found.items()}

    def of(self, kind: str) -> list[Subject]:
        return list(self._found.get(kind, {}).values())

    def get(self, kind: str, key: str) -> Subject | None:
        return self._found.get(kind, {}).get(key)

    def operators(self) -> set[str]:
        """The keys of the operators of all these subjects."""
        ways = {one.operators for some in self._found.values() for one in some.values()}
        return {operator.key for some in ways for operator in some}


def found(
    workspace_id: int, wanted: Mapping[str, Collection[str]], *, choices: bool = False
) -> Subjects:
    """`wanted`: {kind: keys of subjects that a rule has}. A few queries for each kind. `choices`:
    also kinds that the rule does not have, to choose from."""
    some = [kind for kind in kinds if choices or kind.key in wanted]
    return Subjects(
        {kind.key: kind.subjects(workspace_id, wanted.get(kind.key, ())) for kind in some}
    )
