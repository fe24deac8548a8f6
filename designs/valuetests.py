"""The tests that authors may use, as in `{% if a is number %}`. Pure.

They are Jinja2's own, except for those that compute with any value: `'%999999999d' is odd` would
make a text of a gigabyte, and `is lower` a text of a whole list.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, cast

from jinja2 import tests as jinja

from designs.filters import as_text
from designs.fuel import LimitError


def _divisible(value: Any, number: Any) -> bool:
    if isinstance(value, str):
        raise LimitError("text can't be formatted with %")
    return bool(value % number == 0)


def _odd(value: Any) -> bool:
    return not _divisible(value, 2)


def _case(check: Callable[[str], bool], language: str, value: Any) -> bool:
    return check(as_text(value, language))


@cache
def tests(language: str) -> dict[str, Callable[..., Any]]:
    """{name: test}. `language`: of printed values (designs.language)."""
    known = cast("dict[str, Callable[..., Any]]", jinja.TESTS)
    return known | {
        "divisibleby": _divisible,
        "odd": _odd,
        "even": partial(_divisible, number=2),
        "lower": partial(_case, str.islower, language),
        "upper": partial(_case, str.isupper, language),
    }
