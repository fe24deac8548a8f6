"""Segments in segments: no circles, and a bound on their size."""

import pytest

from contacts.segments.nesting import CircleError, TooLargeError, check, used
from contacts.segments.rules import ALL, NONE, Condition, Group


def uses(*numbers: int, others: int = 0) -> Group:
    items = [Condition("segment", str(number), "in") for number in numbers]
    return Group(ALL, (*items, *[Condition("person", "email", "is", ("a",))] * others))


def test_what_a_rule_uses() -> None:
    inner = Group(ALL, (Group(NONE, (Condition("segment", "3", "in"),)), *uses(1, 2).items))
    assert used(inner) == {1, 2, 3}
    assert used(Group(ALL, (Condition("segment", "9" * 5000, "in"),))) == set()


def test_conditions_are_counted_through_segments() -> None:
    rules = {1: uses(others=3), 2: uses(1, others=1)}
    assert check(uses(2, 1), rules) == 2 + 2 + 3 + 3
    # A segment that no longer exists.
    assert check(uses(99), rules) == 1


@pytest.mark.parametrize("rules", [{1: uses(1)}, {1: uses(2), 2: uses(1)}])
def test_a_circle_is_found(rules: dict[int, Group]) -> None:
    with pytest.raises(CircleError):
        check(uses(1), rules)


def test_size_and_depth_are_bounded() -> None:
    wide = {number: uses(others=50) for number in range(5)}
    with pytest.raises(TooLargeError):
        check(uses(*range(5)), wide)
    deep = {number: uses(number + 1) for number in range(9)}
    with pytest.raises(TooLargeError):
        check(uses(0), deep)
