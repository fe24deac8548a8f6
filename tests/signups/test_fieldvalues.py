"""Values that people send by a form, by the type of the attribute."""

from typing import Any

import pytest

from signups import fieldvalues

CHOICES = ["Red", "Blue; dark", "是"]


@pytest.mark.parametrize(
    ("type_", "sent", "value"),
    [
        ("text", "=1+1", "=1+1"),
        ("text", 5, "5"),
        ("number", "1,234.5", 1234.5),
        ("number", 1e20, 1e20),
        ("number", 7, 7),
        ("date", "2026-03-31", "2026-03-31"),
        ("date", "31 Mar 2026", "2026-03-31"),
        ("day", "02-29", "02-29"),
        ("day", "2026-03-31", "03-31"),
        ("boolean", "true", True),
        ("boolean", "on", True),
        ("boolean", "否", False),
        ("boolean", False, False),
        ("choice", "red", "Red"),
        ("choice", "Blue; dark", "Blue; dark"),
        ("choices", ["是", "Red", "red"], ["Red", "是"]),
        ("choices", ["Blue; dark"], ["Blue; dark"]),
        ("choices", "Red; 是", ["Red", "是"]),
    ],
)
def test_a_value_has_the_type_of_its_attribute(type_: str, sent: object, value: object) -> None:
    read = fieldvalues.read(type_, CHOICES, sent)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("type_", "sent"),
    [
        ("text", True),
        ("text", ["Red"]),
        ("number", "old"),
        ("number", True),
        ("date", "3/4/2024"),
        ("date", "2026-02-30"),
        ("day", "02-30"),
        ("day", "00-01"),
        ("day", "5-"),
        ("boolean", "maybe"),
        ("boolean", 2),
        ("choice", "Green"),
        ("choice", ["Red"]),
        ("choices", ["Red", "Green"]),
        ("choices", []),
        ("choices", ["Red"] * 201),
        ("objects", '[{"name": "Tea"}]'),
        ("text", None),
        ("choices", {"Red": 1}),
    ],
)
def test_what_is_no_value_is_refused(type_: str, sent: Any) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$"):
        fieldvalues.read(type_, CHOICES, sent)
