"""A rule while it is edited in the builder's form, where conditions may be incomplete.

The names of controls end with the item's place in the tree: `about_r_0_2` is about the third item
of the first item of the rule `r`. A group has `match_…`, a condition `about_…`.
"""

from dataclasses import dataclass, replace
from zlib import crc32

from django.http import QueryDict

from contacts.segments import shares
from contacts.segments.checking import ABOUT, SUBJECT, VALUE, Problem
from contacts.segments.kinds import Subject, Subjects, kinds
from contacts.segments.operators import BOXES, Operator, Takes
from contacts.segments.rules import (
    ALL,
    ANY,
    DEEPEST,
    LONGEST_LABEL,
    MOST_CONDITIONS,
    MOST_GROUPS,
    WORDS,
    Condition,
    Group,
    Path,
)

# The most items of a group that a form is read for.
MOST_ITEMS = MOST_CONDITIONS + MOST_GROUPS
EMPTY = Condition("", "", "")
NEW = Group(ALL, (EMPTY,))
# Between the kind and the subject in the value of the control that says what it is about.
SEP = ":"


def name(path: Path) -> str:
    return "_".join(("r", *map(str, path)))


def read(form: QueryDict) -> Group:
    """The rule that the form has; a new one if it has none."""
    return _group(form, ()) if "match_r" in form else NEW


def _group(form: QueryDict, path: Path) -> Group:
    word = form.get(f"match_{name(path)}", "")
    items: list[Condition | Group] = []
    for number in range(MOST_ITEMS):
        here = (*path, number)
        if f"match_{name(here)}" in form and len(here) <= DEEPEST:
            items.append(_group(form, here))
        elif f"about_{name(here)}" in form:
            items.append(_condition(form, here))
        else:
            break
    return Group(word if word in WORDS else ALL, tuple(items))


def _condition(form: QueryDict, path: Path) -> Condition:
    place = name(path)
    kind, _sep, subject = form.get(f"about_{place}", "").partition(SEP)
    known = kinds.get(kind)
    if known is not None and not known.flat:
        subject = form.get(f"subject_{place}", "")
    return Condition(
        kind,
        subject,
        form.get(f"operator_{place}", ""),
        tuple(form.getlist(f"value_{place}")),
        form.get(f"label_{place}", "")[:LONGEST_LABEL],
    )


# Changes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """The changed rule, and the id of the control that gets the focus."""

    rule: Group
    focus: str = ""


def change(rule: Group, asked: str) -> Change:
    """What a button of the builder asks for: "add:r_0", "add_group:r", "remove:r_0_1", "renew:r_0"
    (the code of a share). The rule stays as it is if there is no such item."""
    action, _colon, place = asked.partition(":")
    path = _path(place)
    if path is None:
        return Change(rule)
    if action == "remove" and path:
        focus = f"add_{name(path[:-1])}"
        return Change(_without(rule, path), focus)
    if action == "renew":
        return _renewed(rule, path)
    if action in {"add", "add_group"}:
        item = EMPTY if action == "add" else Group(ANY, (EMPTY,))
        return _added(rule, path, item)
    return Change(rule)


def _path(place: str) -> Path | None:
    parts = place.split("_")
    if parts[0] != "r" or len(parts) > DEEPEST + 2:
        return None
    if not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts[1:]):
        return None
    return tuple(map(int, parts[1:]))


def _added(rule: Group, path: Path, item: Condition | Group) -> Change:
    target = _at(rule, path)
    if not isinstance(target, Group) or len(target.items) >= MOST_ITEMS:
        return Change(rule)
    new = (*path, len(target.items))
    if isinstance(item, Group):
        if len(new) >= DEEPEST:
            return Change(rule)
        new = (*new, 0)
    grown = Group(target.match, (*target.items, item))
    return Change(_with(rule, path, grown), f"about_{name(new)}")


def _renewed(rule: Group, path: Path) -> Change:
    item, above = _at(rule, path), _at(rule, path[:-1])
    if not isinstance(item, Condition) or not isinstance(above, Group) or len(item.values) != 3:
        return Change(rule)
    items = list(above.items)
    items[path[-1]] = replace(item, values=(*item.values[:2], shares.new_code()))
    grown = Group(above.match, tuple(items))
    return Change(_with(rule, path[:-1], grown), f"renew_{name(path)}")


def _at(rule: Condition | Group, path: Path) -> Condition | Group | None:
    for number in path:
        if not isinstance(rule, Group) or number >= len(rule.items):
            return None
        rule = rule.items[number]
    return rule


def _with(rule: Group, path: Path, item: Group) -> Group:
    if not path:
        return item
    items = list(rule.items)
    inner = items[path[0]]
    items[path[0]] = _with(inner, path[1:], item) if isinstance(inner, Group) else item
    return Group(rule.match, tuple(items))


def _without(rule: Group, path: Path) -> Group:
    target = _at(rule, path[:-1])
    if not isinstance(target, Group) or path[-1] >= len(target.items):
        return rule
    rest = target.items[: path[-1]] + target.items[path[-1] + 1 :]
    return _with(rule, path[:-1], Group(target.match, rest))


def settle(rule: Group, subjects: Subjects, form: QueryDict | None = None) -> Group:
    """With the first operator where none is chosen, or one of something else, and without values
    that the form's boxes had for another meaning. An operator that nothing has stays, and is told
    as a problem: no control of ours sends it."""

    known = {"", *subjects.operators()}

    def settled(item: Condition | Group, path: Path) -> Condition | Group:
        if isinstance(item, Group):
            inner = (settled(one, (*path, number)) for number, one in enumerate(item.items))
            return Group(item.match, tuple(inner))
        subject = subjects.get(item.kind, item.subject)
        if subject is None:
            return item
        if subject.operator(item.operator) is None and item.operator in known:
            item = replace(item, operator=subject.operators[0].key)
        before = form.get(f"boxes_{name(path)}") if form is not None else None
        return _begun(item if before is None else _carried(item, subject, before), subject)

    return Group(rule.match, tuple(settled(one, (n,)) for n, one in enumerate(rule.items)))


def _begun(one: Condition, subject: Subject) -> Condition:
    """A share begins as the first half, with a code of its own."""
    operator = subject.operator(one.operator)
    if operator is None or operator.takes != Takes.SHARE or one.values:
        return one
    return replace(one, values=("0", "50", shares.new_code()))


def boxes(subject: Subject, operator: Operator) -> list[str]:
    """What the boxes of a condition's values mean, such as "text-email" or "within"."""
    of_text = "" if subject.type in {"", "text"} else f"-{subject.type}"
    of_choices = f"-{crc32(repr([value for value, _label in subject.choices]).encode())}"
    more = {"text": of_text, "lines": of_text, "choice": of_choices}
    return [box + more.get(box, "") for box in BOXES[operator.takes]]


def _carried(one: Condition, subject: Subject, before: str) -> Condition:
    """With those of its values whose box meant the same. `before`: what the boxes meant."""
    operator = subject.operator(one.operator)
    now = boxes(subject, operator) if operator else []
    had = dict(zip(before.split(), map(str, one.values), strict=False))
    if list(had) == now:
        return one
    for box, text in list(had.items()):
        # A text is a line of a list, and a list of one line is a text.
        if box.startswith("text"):
            had[box.replace("text", "lines", 1)] = text
        elif box.startswith("lines") and len(text.split("\n")) == 1:
            had[box.replace("lines", "text", 1)] = text
    values = tuple(had.get(box, "") for box in now)
    return replace(one, values=values if any(values) else ())


# What is wrong -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wrong:
    """A problem as it is told apart from the tree. `number`: "2.1", the first condition of the
    group that is the second item; "" for the whole rule."""

    place: str
    number: str
    text: str


def wrong(rule: Group, problems: list[Problem]) -> list[Wrong]:
    """The problems but those of what is not filled in yet."""
    return [
        Wrong(name(one.path), ".".join(str(number + 1) for number in one.path), one.text)
        for one in problems
        if not _is_blank(_at(rule, one.path), one.part)
    ]


def _is_blank(item: Condition | Group | None, part: str) -> bool:
    if not isinstance(item, Condition):
        return isinstance(item, Group) and not item.items
    known = {ABOUT: item.kind, SUBJECT: item.subject, VALUE: any(item.values)}
    return not known.get(part, True)
