"""A rule in words, in the reader's language."""

import datetime as dt
from collections.abc import Sequence
from typing import cast

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from contacts import attributevalues
from contacts.segments.kinds import Subject, Subjects, kinds
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import ALL, ANY, NONE, Condition, Group
from pages import locales

# A value that a contact does not have.
NO_VALUE = "–"
# Lines of a pasted list that are named.
NAMED = 3


def rule(group: Group, subjects: Subjects) -> str:
    """ "City is “Bern” and (Points ≥ 5 or Orders ≥ 1)"."""
    return _joined(group, subjects)


def _joined(group: Group, subjects: Subjects) -> str:
    between = _(" and ") if group.match == ALL else _(" or ")
    told = between.join(_item(one, subjects, alone=len(group.items) == 1) for one in group.items)
    return told if group.match in {ALL, ANY} else _("none of these: {items}").format(items=told)


def _item(one: Condition | Group, subjects: Subjects, *, alone: bool) -> str:
    told = item(one, subjects)
    return told if alone or isinstance(one, Condition) else _("({items})").format(items=told)


def item(one: Condition | Group, subjects: Subjects) -> str:
    """A condition, or a whole group."""
    return condition(one, subjects) if isinstance(one, Condition) else _joined(one, subjects)


def line(one: Condition | Group, subjects: Subjects) -> str:
    """A condition, or the heading of a group whose items have lines of their own."""
    if isinstance(one, Condition):
        return condition(one, subjects)
    headings = {
        ALL: _("matches all of these:"),
        ANY: _("matches any of these:"),
        NONE: _("matches none of these:"),
    }
    return headings[one.match]


def condition(one: Condition, subjects: Subjects) -> str:
    """ "City is one of “Bern”, “Basel”"."""
    kind, subject = kinds.get(one.kind), subjects.get(one.kind, one.subject)
    operator = subject.operator(one.operator) if subject else None
    if kind is None or subject is None or operator is None:
        return _gone(one)
    told = [told_value(operator, subject, number, one) for number in range(len(one.values))]
    # Of sentences with a plural, "days" chooses the form.
    sentence = cast("str", operator.sentence).format(
        subject=_("“{text}”").format(text=subject.label) if subject.named else subject.label,
        value=_lines(one) if operator.takes == Takes.LINES else (told or [""])[0],
        second=told[1] if len(told) > 1 else "",
        code=told[2] if len(told) > 2 else "",
        days=one.values[0] if operator.takes == Takes.DAYS and one.values else 0,
    )
    if operator.takes == Takes.TIMES:
        return _within(_times(sentence, int(one.values[0])), one.values[1:])
    if operator.takes == Takes.WITHIN:
        return _within(sentence, one.values)
    return sentence


def _gone(one: Condition) -> str:
    kind = kinds.get(one.kind)
    if kind is None or not one.label:
        return _("something that no longer exists")
    return _("{kind}: {name}").format(kind=kind.label, name=gone_name(one.label))


def gone_name(label: str) -> str:
    """The name of what no longer exists."""
    return _("“{name}” (no longer exists)").format(name=label)


def told_value(operator: Operator, subject: Subject, number: int, one: Condition) -> str:
    value = one.values[number]
    match operator.takes:
        case Takes.TEXT:
            return _("“{text}”").format(text=value)
        case Takes.DATE | Takes.DATES:
            return day(str(value))
        case Takes.YEAR_DAY:
            return attributevalues.shown("day", str(value))
        case Takes.CHOICE:
            return str(dict(subject.choices).get(str(value), value))
        case Takes.LINES:
            return str(value)
        case _:
            # The code of a share is no number.
            return value if isinstance(value, str) else locales.number(value)


def day(text: str) -> str:
    """The date of a text such as 2026-03-09; other texts as they are."""
    try:
        return locales.day(dt.date.fromisoformat(text[:10]))
    except ValueError:
        return text


def _lines(one: Condition) -> str:
    quoted = [_("“{text}”").format(text=value) for value in one.values[:NAMED]]
    told = pgettext("between the lines of a list", ", ").join(quoted)
    more = len(one.values) - NAMED
    if more <= 0:
        return told
    pattern = ngettext("{lines} and {count} more", "{lines} and {count} more", more)
    return pattern.format(lines=told, count=locales.number(more))


def _times(sentence: str, times: int) -> str:
    if times == 1:
        return sentence
    pattern = ngettext(
        "{sentence} at least {count} time", "{sentence} at least {count} times", times
    )
    return pattern.format(sentence=sentence, count=locales.number(times))


def _within(sentence: str, days: Sequence[int]) -> str:
    if not days:
        return sentence
    pattern = ngettext(
        "{sentence} in the last {count} day", "{sentence} in the last {count} days", days[0]
    )
    return pattern.format(sentence=sentence, count=locales.number(days[0]))
