"""A rule as a tree, and as JSON:

    {"version": 1, "match": "all", "items": [
      {"kind": "attribute", "subject": "city", "operator": "is", "values": ["上海"],
       "label": "City"},
      {"match": "any", "items": [...]}]}

`read` checks the shape alone; `contacts.segments.checking` checks each condition against what the
workspace has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contacts.exceptions import ContactsError

VERSION = 1
ALL, ANY, NONE = "all", "any", "none"
WORDS = (ALL, ANY, NONE)
# Groups in groups, the outermost one included; conditions and groups of one rule.
DEEPEST = 3
MOST_CONDITIONS = 50
MOST_GROUPS = 30
LONGEST_LABEL = 200

# Where an item is in the tree: (0, 2) is the third item of the first.
Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    kind: str
    subject: str
    operator: str
    values: tuple[Any, ...] = ()
    # The name that the subject had when the rule was saved, in case that it no longer exists.
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    match: str
    items: "tuple[Condition | Group, ...]" = ()


class ShapeError(ContactsError, ValueError):
    """The JSON is no rule: a program made it, not a person in the builder."""


def read(stored: object) -> Group:
    """The rule of its JSON. Raises ShapeError."""
    if not isinstance(stored, Mapping) or stored.get("version") != VERSION:
        raise ShapeError("no rule of a known version")
    rule = _group(stored, 1)
    if len(list(conditions(rule))) > MOST_CONDITIONS:
        raise ShapeError("too many conditions")
    return rule


def _group(stored: Mapping[str, Any], depth: int) -> Group:
    items = stored.get("items")
    if depth > DEEPEST or stored.get("match") not in WORDS or not isinstance(items, list):
        raise ShapeError("no group, or one that is too deep")
    if len(items) > MOST_CONDITIONS + MOST_GROUPS:
        raise ShapeError("too many items")
    return Group(stored["match"], tuple(_item(item, depth) for item in items))


def _item(stored: object, depth: int) -> Condition | Group:
    if not isinstance(stored, Mapping):
        raise ShapeError("no condition")
    if "match" in stored:
        return _group(stored, depth + 1)
    names = [stored.get(name) for name in ("kind", "subject", "operator")]
    values = stored.get("values")
    if not all(isinstance(name, str) for name in names) or not isinstance(values, list):
        raise ShapeError("no condition")
    if not all(isinstance(one, str | int | float) for one in values):
        raise ShapeError("no values")
    kind, subject, operator = map(str, names)
    label = stored.get("label", "")
    return Condition(kind, subject, operator, tuple(values), str(label)[:LONGEST_LABEL])


def as_json(rule: Group) -> dict[str, Any]:
    return {"version": VERSION, **_as_json(rule)}


def _as_json(item: Condition | Group) -> dict[str, Any]:
    if isinstance(item, Group):
        return {"match": item.match, "items": [_as_json(one) for one in item.items]}
    return {
        "kind": item.kind,
        "subject": item.subject,
        "operator": item.operator,
        "values": list(item.values),
    } | ({"label": item.label} if item.label else {})


def walk(rule: Group, path: Path = ()) -> Iterator[tuple[Path, Condition | Group]]:
    """Every item with its path, the rule itself first."""
    yield path, rule
    for number, item in enumerate(rule.items):
        if isinstance(item, Group):
            yield from walk(item, (*path, number))
        else:
            yield (*path, number), item


def conditions(rule: Group) -> Iterator[Condition]:
    return (item for _path, item in walk(rule) if isinstance(item, Condition))


def subjects(rule: Group) -> dict[str, set[str]]:
    """{kind: keys of its subjects in the rule}"""
    found: dict[str, set[str]] = {}
    for one in conditions(rule):
        found.setdefault(one.kind, set()).add(one.subject)
    return found


def with_subject(rule: Group, kind: str, old: str, new: str, label: str) -> Group:
    """With conditions about the subject `new`, with its name, instead of those about `old`."""

    def changed(item: Condition | Group) -> Condition | Group:
        if isinstance(item, Group):
            return with_subject(item, kind, old, new, label)
        if (item.kind, item.subject) != (kind, old):
            return item
        return replace(item, subject=new, label=label[:LONGEST_LABEL])

    return Group(rule.match, tuple(changed(item) for item in rule.items))
