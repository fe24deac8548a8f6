"""The fuel that each operation in a template costs, by the length of its input and output. Pure.

designs.spending uses the same numbers for the upper bound of an expression's cost.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from designs.fuel import burn, price, price_of_search, size

# {filter: its time per character, relative to copying}.
FACTORS: Mapping[str, int] = {
    "title": 100,
    "urlencode": 25,
    "link": 25,
    **dict.fromkeys(("number", "date", "round", "int", "float", "abs"), 3),
    **dict.fromkeys(("escape", "e", "trim", "upper", "lower", "capitalize", "truncate"), 2),
}


def paid_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    factor = FACTORS.get(name, 1)

    @wraps(function)
    def paid(*arguments: Any, **named: Any) -> Any:
        given = sum(map(size, arguments)) if len(arguments) > 1 else size(arguments[0])
        if named:
            given += sum(map(size, named.values()))
        burn(price(given * factor))
        if name == "replace":
            _pay_replacing(*arguments, **named)
        made = function(*arguments, **named)
        if isinstance(made, str):
            burn(len(made) // 50)
        return made

    return paid


def _pay_replacing(value: Any, old: Any = "", new: Any = "") -> None:
    burn(2 * price_of_search(size(value), size(old)))


def paid_test(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def paid(*arguments: Any) -> Any:
        burn(price(sum(map(size, arguments))))
        return function(*arguments)

    return paid


def contains(searched: Any, whole: Any) -> bool:
    """`searched in whole`."""
    if isinstance(whole, str) and isinstance(searched, str):
        burn(price_of_search(len(whole), len(searched)))
    else:
        burn(price(size(whole) + size(searched)))
    return searched in whole


def weighed(value: Any) -> Any:
    """Pays for a value that is compared or sliced, by its length."""
    burn(price(size(value)))
    return value


def searched_through(whole: Any) -> Any:
    """Pays for the right side of `in` if the left side is unknown: `a < b in c`."""
    burn(price(size(whole)) + 5 * size(whole) // 2)
    return whole
