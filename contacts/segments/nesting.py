"""Segments that use other segments: no circles, and a bound on how large a rule becomes."""

from collections.abc import Mapping

from contacts.exceptions import ContactsError
from contacts.segments.rules import Group, conditions
from pages.numbers import whole

# The kind of condition about another segment. Its subject is the segment's id.
SEGMENT = "segment"
# Segments in segments, and conditions with those of all segments that a rule uses.
DEEPEST = 4
MOST_CONDITIONS = 200


class NestingError(ContactsError, ValueError):
    """Base of what is wrong about segments in segments."""


class CircleError(NestingError):
    """A segment uses itself, perhaps by way of others."""


class TooLargeError(NestingError):
    """The rule, with the rules of the segments that it uses, is too large."""


def used(rule: Group) -> set[int]:
    """The ids of segments that the rule names itself."""
    return set(_named(rule))


def _named(rule: Group) -> list[int]:
    """The same, as often as they are named."""
    named = [one.subject for one in conditions(rule) if one.kind == SEGMENT]
    return [number for text in named if (number := whole(text)) is not None]


def check(rule: Group, rules: Mapping[int, Group]) -> int:
    """How many conditions the rule has, with those of the segments that it uses. Raises
    NestingError. Segments that no longer exist count as none."""
    return _size(rule, rules, ())


def _size(rule: Group, rules: Mapping[int, Group], above: tuple[int, ...]) -> int:
    if len(above) >= DEEPEST:
        raise TooLargeError
    size = len(list(conditions(rule)))
    for number in _named(rule):
        if number in above:
            raise CircleError
        if number in rules:
            size += _size(rules[number], rules, (*above, number))
        if size > MOST_CONDITIONS:
            raise TooLargeError
    return size
