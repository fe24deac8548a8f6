"""Computes the most that a part can spend, for any values, from its syntax tree. Pure.

The result is an upper bound of the payments in designs.sandbox. A part that can't exceed its limits
runs without counting (designs.compiling).
"""

from typing import NamedTuple

from jinja2 import nodes

from contacts.mergenames import CALLED
from designs.costs import FACTORS
from designs.filters import LONGEST_STRING
from designs.fuel import CHARACTERS, ITEM, MOST_TURNS, price, price_of_search
from designs.sandbox import CALL, cost_of_turn

# The longest value of a contact, constant or computed text.
LONGEST = LONGEST_STRING
# Cost of a search with two unknown texts: at worst a long text is compared at 2,500 places.
MOST_SEARCHING = price(2 * LONGEST) + 5 * LONGEST // 2
INTERCEPTED = (nodes.Mul, nodes.Pow, nodes.Add, nodes.Mod)
LISTS = (nodes.List, nodes.Tuple, nodes.Dict)
# Filters of lists whose result is no list.
FOR_LISTS = frozenset({"join", "first", "last", "length"})


class Spent(NamedTuple):
    """The most that a rendering can spend: fuel, loop iterations, printed values, characters of the
    source."""

    fuel: int = 0
    turns: int = 0
    values: int = 0
    characters: int = 0


def worst(tree: nodes.Node) -> Spent | None:
    """The most that rendering `tree` can spend. None if the iterations of a loop depend on values,
    or if a list is stored: its length is unknown where it is used.

    Call it before `bound`.
    """
    fuel = turns = values = characters = 0
    for node in tree.iter_child_nodes():
        inside = worst(node)
        times = 1
        if isinstance(node, nodes.For):
            times = length if (length := _length(node.iter)) is not None else -1
        if inside is None or times < 0 or (_is_list(node) and not _is_used_up(tree, node)):
            return None
        once = _cost(node)
        if isinstance(node, nodes.For):
            once = cost_of_turn(node) * times
            turns += times
        fuel += once + inside.fuel * max(times, 1)
        turns += inside.turns * times
        printed = isinstance(tree, nodes.Output) and not isinstance(node, nodes.TemplateData)
        values += printed + inside.values * max(times, 1)
        data = len(node.data) if isinstance(node, nodes.TemplateData) else 0
        characters += data + inside.characters * max(times, 1)
    return Spent(fuel, turns, values, characters)


def _is_list(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Call):
        return _bounds(node) is not None
    return isinstance(node, LISTS) and getattr(node, "ctx", "load") == "load"


def _is_used_up(around: nodes.Node, node: nodes.Node) -> bool:
    """Whether only the node right around the list uses it."""
    if isinstance(around, nodes.For):
        return node is around.iter
    if isinstance(around, nodes.Operand):
        return around.op in {"in", "notin"}
    return isinstance(around, nodes.Filter) and around.name in FOR_LISTS and node is around.node


def _cost(node: nodes.Node) -> int:
    """The cost of the operation itself, without its operands."""
    cost = 0
    if isinstance(node, nodes.Filter):
        cost = _of_filter(node)
    elif isinstance(node, nodes.Compare):
        lefts = [node.expr, *(one.expr for one in node.ops)]
        pairs = zip(lefts, node.ops, strict=False)
        cost = sum(_of_comparison(*pair, chained=len(node.ops) > 1) for pair in pairs)
    elif isinstance(node, nodes.Test):
        cost = MOST_SEARCHING if node.name == "in" else price(_sizes(node))
    elif isinstance(node, nodes.Call):
        cost = CALL + price(_sizes(node))
    elif isinstance(node, LISTS):
        cost = price(_size(node))
    elif isinstance(node, (nodes.Concat, nodes.Getitem, *INTERCEPTED)):
        cost = price(LONGEST)
    return cost


def _of_filter(node: nodes.Filter) -> int:
    cost = price(_sizes(node) * FACTORS.get(node.name, 1)) + LONGEST // CHARACTERS
    if node.name != "replace":
        return cost
    old = node.args[0] if node.args else None
    return cost + 2 * _searching(_size(old) if isinstance(old, nodes.Const) else None)


def _of_comparison(left: nodes.Node, operand: nodes.Operand, *, chained: bool) -> int:
    if operand.op not in {"in", "notin"}:
        return price(LONGEST)
    if isinstance(operand.expr, (*LISTS, nodes.Call)):
        whole = _size(operand.expr)
        return price(whole + _size(left)) + chained * 5 * whole // 2
    known = isinstance(left, nodes.Const) and not chained
    return _searching(_size(left) if known else None)


def _searching(searched: int | None) -> int:
    return MOST_SEARCHING if searched is None else price_of_search(LONGEST, searched)


def _sizes(node: nodes.Filter | nodes.Test | nodes.Call) -> int:
    """The size of all arguments."""
    if node.dyn_args or node.dyn_kwargs:
        return LONGEST * MOST_TURNS
    first = [] if isinstance(node, nodes.Call) else [node.node]
    given = [*first, *node.args, *(pair.value for pair in node.kwargs)]
    return sum(map(_size, given))


def _size(node: nodes.Node | None) -> int:
    """The upper bound of designs.fuel.size of the value."""
    if isinstance(node, nodes.Const):
        return len(node.value) if isinstance(node.value, str) else ITEM
    if isinstance(node, LISTS):
        items = list(node.iter_child_nodes())
        pairs = [
            side for one in items if isinstance(one, nodes.Pair) for side in (one.key, one.value)
        ]
        return sum(map(_size, pairs or items))
    if isinstance(node, nodes.Call):
        return ITEM * MOST_TURNS
    return LONGEST


def _length(items: nodes.Node) -> int | None:
    """The number of iterations of a loop over `items`; None if the source doesn't tell it."""
    if isinstance(items, (nodes.List, nodes.Tuple, nodes.Dict)):
        return len(items.items)
    if isinstance(items, nodes.Const) and isinstance(items.value, str):
        return len(items.value)
    if isinstance(items, nodes.Call):
        bounds = _bounds(items)
        return len(range(*bounds)) if bounds else None
    return None


def _bounds(call: nodes.Call) -> list[int] | None:
    """The literal numbers in `range(...)`; [] if the arguments aren't literal numbers; None for
    another function."""
    if not (isinstance(call.node, nodes.Name) and call.node.name == CALLED["range"]):
        return None
    bounds = [one.value for one in call.args if isinstance(one, nodes.Const)]
    plain = not (call.kwargs or call.dyn_args or call.dyn_kwargs)
    small = all(type(one) is int and abs(one) <= MOST_TURNS for one in bounds)
    right = len(bounds) == len(call.args) and 1 <= len(bounds) <= 3 and bounds[2:] != [0]
    return bounds if plain and small and right else []
