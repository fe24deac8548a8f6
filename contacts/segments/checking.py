"""Checks a rule against what the workspace has, with a sentence for each wrong condition."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.exceptions import ContactsError
from contacts.segments.kinds import Subject, Subjects, kinds
from contacts.segments.operators import (
    MOST_OF_LINES,
    Operator,
    Takes,
    ValueProblemError,
    read,
)
from contacts.segments.rules import (
    DEEPEST,
    LONGEST_LABEL,
    MOST_CONDITIONS,
    MOST_GROUPS,
    Condition,
    Group,
    Path,
    conditions,
    walk,
)
from pages import locales

# The parts of a condition that a problem stands beside.
ABOUT, SUBJECT, OPERATOR, VALUE = "about", "subject", "operator", "value"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the item at `path`; `part` is one of the above, "" for a group."""

    path: Path
    part: str
    text: str
    # Of what is not complete yet: what is missing (kinds.Subject.incomplete).
    incomplete: str = ""


class RuleError(ContactsError, ValueError):
    """The rule can't be used as it is."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.text for problem in problems))
        self.problems = problems


def check(rule: Group, subjects: Subjects) -> Group:
    """The rule with its values in their stored form. Raises RuleError."""
    problems = list(_of_shape(rule))
    checked = _group(rule, (), subjects, problems)
    if problems:
        raise RuleError(problems)
    return checked


def _of_shape(rule: Group) -> Iterator[Problem]:
    items = list(walk(rule))
    groups = [path for path, item in items if isinstance(item, Group)]
    number = len(items) - len(groups)
    if number > MOST_CONDITIONS:
        yield Problem((), "", _("A segment has at most 50 conditions. Remove some."))
    if len(groups) > MOST_GROUPS:
        yield Problem((), "", _("A segment has at most 30 groups. Remove some."))
    characters = sum(len(str(value)) for one in conditions(rule) for value in one.values)
    if characters > MOST_OF_LINES:
        text = _("All values together have at most 500,000 characters. Shorten the pasted lists.")
        yield Problem((), "", text)
    for path in groups:
        if len(path) >= DEEPEST:
            yield Problem(path, "", _("Groups are at most three deep. Remove this one."))


def _group(rule: Group, path: Path, subjects: Subjects, problems: list[Problem]) -> Group:
    if not rule.items:
        problems.append(Problem(path, "", _("Add a condition.")))
    items: list[Condition | Group] = []
    for number, item in enumerate(rule.items):
        here = (*path, number)
        if isinstance(item, Group):
            items.append(_group(item, here, subjects, problems))
        else:
            items.append(_condition(item, here, subjects, problems))
    return Group(rule.match, tuple(items))


def _condition(
    given: Condition, path: Path, subjects: Subjects, problems: list[Problem]
) -> Condition:
    found = _known(given, subjects)
    if isinstance(found, tuple):
        subject, operator = found
        if subject.incomplete:
            problems.append(unfinished(path, str(subject.label), subject.incomplete))
        try:
            values = read(operator.takes, given.values, subject.choices, subject.in_line)
        except ValueProblemError as error:
            problems.append(Problem(path, VALUE, str(error)))
            return given
        label = str(subject.label)[:LONGEST_LABEL]
        return Condition(given.kind, given.subject, given.operator, values, label)
    part, text = found.part, found.text
    problems.append(Problem(path, part, text))
    return given


def unfinished(path: Path, name: str, incomplete: str) -> Problem:
    """`incomplete`: what is missing (kinds.Subject)."""
    text = _("“{name}” is {incomplete}. Until it is complete, no rule can use it.")
    return Problem(path, SUBJECT, text.format(name=name, incomplete=incomplete), incomplete)


def _known(given: Condition, subjects: Subjects) -> tuple[Subject, Operator] | Problem:
    kind = kinds.get(given.kind)
    if kind is None:
        return Problem((), ABOUT, _("Choose what the condition is about."))
    subject = subjects.get(given.kind, given.subject)
    if subject is None:
        if not kind.flat and not given.subject:
            return Problem((), SUBJECT, _("Choose one."))
        return Problem((), ABOUT if kind.flat else SUBJECT, _gone(given))
    operator = subject.operator(given.operator)
    if operator is None:
        return Problem((), OPERATOR, _("Choose how to compare."))
    return subject, operator


def _gone(given: Condition) -> str:
    if not given.label:
        return _("This no longer exists. Choose something else, or remove the condition.")
    text = _("“{name}” no longer exists. Choose something else, or remove the condition.")
    return text.format(name=given.label)


def hopeless(rule: Group, subjects: Subjects) -> list[Problem]:
    """A hint for each condition that nobody can match: it asks for something more often than it can
    have happened."""
    found = []
    for path, one in walk(rule):
        if not isinstance(one, Condition):
            continue
        subject = subjects.get(one.kind, one.subject)
        operator = subject.operator(one.operator) if subject else None
        if not subject or not operator or operator.takes != Takes.TIMES:
            continue
        if 0 < subject.most < int(one.values[0]):
            pattern = ngettext(
                "Nobody can match: it is about {count} campaign.",
                "Nobody can match: it is about {count} campaigns.",
                subject.most,
            )
            text = pattern.format(count=locales.number(subject.most))
            found.append(Problem(path, VALUE, text))
    return found


def gone(rule: Group, subjects: Subjects) -> list[Problem]:
    """A problem for each condition about something that no longer exists."""
    return [
        Problem(path, ABOUT if kinds[item.kind].flat else SUBJECT, _gone(item))
        for path, item in walk(rule)
        if isinstance(item, Condition) and is_gone(item, subjects)
    ]


def is_gone(one: Condition, subjects: Subjects) -> bool:
    kind = kinds.get(one.kind)
    named = kind is not None and bool(one.subject or kind.flat)
    return named and subjects.get(one.kind, one.subject) is None
