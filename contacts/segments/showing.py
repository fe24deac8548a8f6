"""What the template of the builder shows of a rule that is edited (contacts.segments.drafting)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from contacts.segments import drafting, wording
from contacts.segments.checking import VALUE, Problem
from contacts.segments.kinds import ConditionKind, Found, Subject, Subjects, kinds
from contacts.segments.operators import Takes
from contacts.segments.rules import ALL, ANY, DEEPEST, NONE, Condition, Group, Path, walk


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
    third: str = ""
    choices: list[Option] = field(default_factory=list)

    @property
    def invalid(self) -> str | None:
        """For `aria-invalid` of the controls of its values."""
        return "true" if VALUE in self.problems else None

    @property
    def described(self) -> str | None:
        """For `aria-describedby` of these controls."""
        return f"problem_{self.place}" if self.problems else None


def searched(form: QueryDict | None, rule: Group, workspace_id: int) -> dict[Path, Found]:
    """What the searches for subjects find, of each condition whose kind has too many to offer."""
    found: dict[tuple[str, str], Found] = {}
    texts = {
        path: (item.kind, form.get(f"find_{drafting.name(path)}", "").strip() if form else "")
        for path, item in walk(rule)
        if isinstance(item, Condition) and item.kind in kinds and kinds[item.kind].search
    }
    for kind, text in {*texts.values()}:
        if search := kinds[kind].search:
            found[kind, text] = search(workspace_id, text)
    return {path: found[one] for path, one in texts.items()}


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
    """Offers what was found, the chosen subject, and what is no row, such as "any"."""
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
    item = Item(drafting.name(path), path[-1] + 1 if path else 0, told.get(path, {}), is_group=True)
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
    item = Item(drafting.name(path), path[-1] + 1, problems)
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
    item.boxes = " ".join(drafting.boxes(subject, operator))
    texts = [str(value) for value in one.values]
    if operator.takes == Takes.LINES:
        item.first = "\n".join(texts)
    else:
        item.first, item.second, item.third = (*texts, "", "", "")[:3]
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
    chosen = f"{one.kind}{drafting.SEP}{one.subject}"
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
        value = f"{kind.key}{drafting.SEP}{subject.key}"
        options.append(Option(value, str(subject.label), value == chosen))
    return options
