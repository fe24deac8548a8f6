"""Values of operators: read from texts of a form and from JSON alike, with a sentence for wrong
ones."""

import itertools
from typing import cast

import pytest

from contacts.segments import operators
from contacts.segments.operators import Takes, ValueProblemError, read

CHOICES = (("a", "A"), ("b", "B"))
READ = [
    (Takes.NOTHING, ["left over"], ()),
    (Takes.TEXT, ["  上海 "], ("上海",)),
    (Takes.LINES, ["a\nb\r\n\n a \n"], ("a", "b")),
    (Takes.LINES, ["a", "b"], ("a", "b")),
    (Takes.NUMBER, ["12.5"], (12.5,)),
    (Takes.NUMBER, ["１２"], (12,)),
    (Takes.NUMBER, [-3], (-3,)),
    (Takes.RANGE, ["1", "2"], (1, 2)),
    (Takes.DATE, ["2026-03-09"], ("2026-03-09",)),
    (Takes.DATES, ["2026-03-09", "2026-03-09"], ("2026-03-09", "2026-03-09")),
    (Takes.DAYS, ["0"], (0,)),
    (Takes.DAYS, [30], (30,)),
    (Takes.CHOICE, ["b"], ("b",)),
    (Takes.TIMES, ["2", ""], (2,)),
    (Takes.TIMES, ["", "30"], (1, 30)),
]
WRONG = [
    (Takes.TEXT, [" "], "Enter a value."),
    (Takes.TEXT, [], "Enter a value."),
    (Takes.TEXT, ["x" * 501], "Enter at most 500 characters."),
    (Takes.LINES, ["\n \n"], "Enter at least one line."),
    (Takes.LINES, ["\n".join(map(str, range(10_001)))], "at most 10,000 lines"),
    (Takes.LINES, ["x" * 500_001], "at most 10,000 lines"),
    (Takes.LINES, ["x" * 501], "A line has at most 500 characters."),
    (Takes.NUMBER, ["many"], "Enter a number"),
    (Takes.NUMBER, [True], "Enter a number"),
    (Takes.NUMBER, [None], "Enter a number"),
    (Takes.RANGE, ["2", "1"], "must not be below"),
    (Takes.RANGE, ["2"], "Enter a number"),
    (Takes.DATE, ["9.3.2026"], "Enter a date"),
    (Takes.DATE, ["2026-02-30"], "Enter a date"),
    (Takes.DATES, ["2026-03-09", "2026-03-08"], "must not be below"),
    (Takes.DAYS, ["-1"], "Enter a whole number from 0 to 36500."),
    (Takes.DAYS, ["9" * 5000], "Enter at most 500 characters."),
    (Takes.DAYS, ["¹"], "Enter a whole number"),
    (Takes.CHOICE, ["c"], "Choose a value."),
    (Takes.TIMES, ["0"], "Enter a whole number from 1"),
]


@pytest.mark.parametrize(("takes", "given", "expected"), READ)
def test_values_are_read(takes: Takes, given: list[object], expected: tuple[object, ...]) -> None:
    assert read(takes, given, CHOICES) == expected
    # The stored form is read as itself.
    assert read(takes, expected, CHOICES) == expected


@pytest.mark.parametrize(("takes", "given", "sentence"), WRONG)
def test_wrong_values_are_told(takes: Takes, given: list[object], sentence: str) -> None:
    with pytest.raises(ValueProblemError) as raised:
        read(takes, given, CHOICES)
    assert sentence in str(raised.value)


def test_each_type_has_its_operators_once() -> None:
    for some in (*operators.BY_TYPE.values(), operators.ALWAYS, operators.MOMENT):
        keys = [one.key for one in some]
        assert len(keys) == len(set(keys))
        for one, days in itertools.product(some, (1, 2)):
            words = {"subject": "City", "value": "7", "second": "9", "days": days}
            sentence = cast("str", one.sentence).format(**words)
            assert "City" in sentence
            assert ("7" in sentence) == (one.takes != Takes.NOTHING), sentence
            assert "{" not in sentence


def test_full_width_digits_are_digits() -> None:
    assert operators.read(Takes.DAYS, ["３０"]) == (30,)
    assert operators.read(Takes.TIMES, ["２", "９０"]) == (2, 90)
    assert operators.read(Takes.DATE, ["２０２６－０３－０９"]) == ("2026-03-09",)
    assert operators.read(Takes.TEXT, ["３０"]) == ("３０",)
