"""A rule while it is edited in the builder's form, where conditions may be incomplete.

The names of controls end with the item's place in the tree: `about_r_0_2` is about the third item
of the first item of the rule `r`. A group has `match_…`, a condition `about_…`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zlib import crc32

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from contacts.segments import wording
from contacts.segments.checking import ABOUT, SUBJECT, VALUE, Problem
from contacts.segments.kinds import ConditionKind, Found, Subject, Subjects, kinds
from contacts.segments.operators import BOXES, Operator, Takes
from contacts.segments.rules import (
    ALL,
    ANY,
    DEEPEST,
    LONGEST_LABEL,
    MOST_CONDITIONS,
    MOST_GROUPS,
    NONE,
    WORDS,
    Condition,
    Group,
    Path,
    walk,
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


def searched(form: QueryDict | None, rule: Group, workspace_id: int) -> dict[Path, Found]:
    """What the searches for subjects find, of each condition whose kind has too many to offer."""
    found: dict[tuple[str, str], Found] = {}
    texts = {
        path: (item.kind, form.get(f"find_{name(path)}", "").strip() if form else "")
        for path, item in walk(rule)
        if isinstance(item, Condition) and item.kind in kinds and kinds[item.kind].search
    }
    for kind, text in {*texts.values()}:
        if search := kinds[kind].search:
            found[kind, text] = search(workspace_id, text)
    return {path: found[one] for path, one in texts.items()}


# Changes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """The changed rule, and the id of the control that gets the focus."""

    rule: Group
    focus: str = ""


def change(rule: Group, asked: str) -> Change:
    """What a button of the builder asks for: "add:r_0", "add_group:r", "remove:r_0_1". The rule
    stays as it is if there is no such item."""
    action, _colon, place = asked.partition(":")
    path = _path(place)
    if path is None:
        return Change(rule)
    if action == "remove" and path:
        focus = f"add_{name(path[:-1])}"
        return Change(_without(rule, path), focus)
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
    """With the first operator where the chosen one does not fit what the condition is about, and
    without values that the form's boxes had for another meaning."""

    def settled(item: Condition | Group, path: Path) -> Condition | Group:
        if isinstance(item, Group):
            inner = (settled(one, (*path, number)) for number, one in enumerate(item.items))
            return Group(item.match, tuple(inner))
        subject = subjects.get(item.kind, item.subject)
        if subject is None:
            return item
        if subject.operator(item.operator) is None:
            item = replace(item, operator=subject.operators[0].key)
        before = form.get(f"boxes_{name(path)}") if form is not None else None
        return item if before is None else _carried(item, subject, before)

    return Group(rule.match, tuple(settled(one, (n,)) for n, one in enumerate(rule.items)))


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


# For the template --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    chosen: bool = False


@dataclass(slots=True)
class Item:
    """A group or a condition, as the builder shows it. `problems`: {part: text}."""

    place: str
    number: int
    problems: dict[str, str]
    is_group: bool = False
    # Of a group.
    before: str = ""
    after: str = ""
    words: list[Option] = field(default_factory=list)
    items: "list[Item]" = field(default_factory=list)
    may_nest: bool = False
    # Of a condition: groups of options under a heading.
    abouts: list[tuple[str, list[Option]]] = field(default_factory=list)
    subjects: list[Option] = field(default_factory=list)
    # If they are too many to offer all.
    search: Found | None = None
    operators: list[Option] = field(default_factory=list)
    takes: str = Takes.NOTHING.value
    boxes: str = ""
    # The name that its subject had, if that no longer exists.
    lost: str = ""
    first: str = ""
    second: str = ""
    choices: list[Option] = field(default_factory=list)

    @property
    def invalid(self) -> str | None:
        """For `aria-invalid` of the controls of its values."""
        return "true" if VALUE in self.problems else None

    @property
    def described(self) -> str | None:
        """For `aria-describedby` of these controls."""
        return f"problem_{self.place}" if self.problems else None


def shown(
    rule: Group,
    subjects: Subjects,
    problems: list[Problem],
    searches: Mapping[Path, Found] | None = None,
) -> Item:
    """`searches`: as `searched` gives them."""
    told: dict[Path, dict[str, str]] = {}
    for problem in problems:
        told.setdefault(problem.path, {}).setdefault(problem.part, problem.text)
    item = _shown_group(rule, (), subjects, told)
    for path, found in (searches or {}).items():
        _narrow(_item_at(item, path), found)
    return item


def _item_at(item: Item, path: Path) -> Item:
    for number in path:
        item = item.items[number]
    return item


def _narrow(item: Item, found: Found) -> None:
    """Offers what was found. The chosen subject stays, and so does what is no row, such as "any"."""
    if found.total <= len(found.subjects) and not found.text:
        return
    rows = {one.key for one in found.subjects}
    kept = [one for one in item.subjects if one.chosen or not one.value.isdigit()]
    kept = [one for one in kept if one.value not in rows]
    chosen = {one.value for one in item.subjects if one.chosen}
    some = [Option(one.key, str(one.label), one.key in chosen) for one in found.subjects]
    item.subjects, item.search = kept + some, found


def _shown_group(
    group: Group, path: Path, subjects: Subjects, told: dict[Path, dict[str, str]]
) -> Item:
    pattern = _("{word} of these:") if path else _("Contacts who match {word} of these:")
    before, _word, after = pattern.partition("{word}")
    item = Item(name(path), path[-1] + 1 if path else 0, told.get(path, {}), is_group=True)
    item.before, item.after = before.strip(), after.strip()
    item.words = [Option(word, label, word == group.match) for word, label in words()]
    item.may_nest = len(path) + 1 < DEEPEST
    for number, one in enumerate(group.items):
        here = (*path, number)
        if isinstance(one, Group):
            item.items.append(_shown_group(one, here, subjects, told))
        else:
            item.items.append(_shown_condition(one, here, subjects, told.get(here, {})))
    return item


def words() -> list[tuple[str, str]]:
    return [
        (ALL, pgettext("of these conditions", "ALL")),
        (ANY, pgettext("of these conditions", "ANY")),
        (NONE, pgettext("of these conditions", "NONE")),
    ]


def _shown_condition(
    one: Condition, path: Path, subjects: Subjects, problems: dict[str, str]
) -> Item:
    item = Item(name(path), path[-1] + 1, problems)
    item.abouts = _abouts(one, subjects)
    kind = kinds.get(one.kind)
    if kind is None:
        return item
    subject = subjects.get(one.kind, one.subject)
    if not kind.flat:
        known = [(some.key, str(some.label)) for some in subjects.of(kind.key)]
        item.subjects = _options(known, one.subject, one.label)
    if subject is None:
        item.lost = one.label
    else:
        _add_operators(item, one, subject)
    return item


def _add_operators(item: Item, one: Condition, subject: Subject) -> None:
    item.operators = [
        Option(some.key, str(some.label), some.key == one.operator) for some in subject.operators
    ]
    operator = subject.operator(one.operator)
    if operator is None:
        return
    item.takes = operator.takes.value
    item.boxes = " ".join(boxes(subject, operator))
    texts = [str(value) for value in one.values]
    if operator.takes == Takes.LINES:
        item.first = "\n".join(texts)
    else:
        item.first, item.second = (*texts, "", "")[:2]
    if operator.takes == Takes.CHOICE:
        item.choices = _options(
            [(value, str(label)) for value, label in subject.choices], item.first
        )


def _options(known: list[tuple[str, str]], chosen: str, name: str = "") -> list[Option]:
    """With a first option that is none, and with a chosen one that no longer exists."""
    options = [Option(value, label, value == chosen) for value, label in known]
    if chosen and not any(one.chosen for one in options):
        options.insert(0, Option(chosen, _lost(name), True))
    return options


def _lost(name: str) -> str:
    return wording.gone_name(name) if name else _("(no longer exists)")


def _abouts(one: Condition, subjects: Subjects) -> list[tuple[str, list[Option]]]:
    """Subjects of flat kinds under the headings of their kinds, then the other kinds."""
    chosen = f"{one.kind}{SEP}{one.subject}"
    found: dict[str, list[Option]] = {}
    others: list[Option] = []
    for kind in kinds:
        if kind.flat:
            found.setdefault(str(kind.label), []).extend(_flat(kind, subjects, chosen))
        else:
            others.append(Option(kind.key, str(kind.label), kind.key == one.kind))
    known = kinds.get(one.kind)
    if known is not None and known.flat and subjects.get(one.kind, one.subject) is None:
        found.setdefault(str(known.label), []).insert(0, Option(chosen, _lost(one.label), True))
    groups = [(heading, options) for heading, options in found.items() if options]
    return [*groups, (_("Lists, imports and segments"), others)]


def _flat(kind: ConditionKind, subjects: Subjects, chosen: str) -> list[Option]:
    options = []
    for subject in subjects.of(kind.key):
        value = f"{kind.key}{SEP}{subject.key}"
        options.append(Option(value, str(subject.label), value == chosen))
    return options
