"""Finds the merge fields that a part uses as numbers, dates or addresses. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

from contacts.valuekinds import CALCULATION, DATE, LINK, NUMBER

# (merge field, kind of contacts.valuekinds)
Use = tuple[str, str]
KINDS = {
    **dict.fromkeys(("number", "round", "abs", "int", "float"), NUMBER),
    "date": DATE,
    "link": LINK,
}
# Filters that pass a value on almost unchanged, or replace an empty one.
HANDED_ON = {"default", "d", "trim", "lower"}
CALCULATING = (nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg)
ORDERING = {"gt", "gteq", "lt", "lteq"}


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A use of a merge field. `filter` is "" for a calculation."""

    field: str
    kind: str
    filter: str
    line: int


def uses(tree: nodes.Template) -> Iterator[FieldUse]:
    own = {n.name for n in tree.find_all(nodes.Name) if n.ctx != "load"}
    for use in _all(tree):
        if use.field not in own:
            yield use


def _all(tree: nodes.Template) -> Iterator[FieldUse]:
    for one in tree.find_all(nodes.Filter):
        if one.name in KINDS and (field := field_of(one.node)):
            yield FieldUse(field, KINDS[one.name], one.name, one.lineno)
    for node in tree.find_all((*CALCULATING, nodes.Add)):
        sides = [getattr(node, name, None) for name in ("left", "right", "node")]
        # `+` may also join two texts.
        if not isinstance(node, nodes.Add) or any(_is_number(side) for side in sides):
            yield from _calculated(sides, node.lineno)
    for compare in tree.find_all(nodes.Compare):
        sides = [compare.expr, *(operand.expr for operand in compare.ops)]
        if any(one.op in ORDERING for one in compare.ops) and any(map(_is_number, sides)):
            yield from _calculated(sides, compare.lineno)


def _calculated(sides: "list[nodes.Node | None]", line: int) -> Iterator[FieldUse]:
    for side in sides:
        if field := field_of(side):
            yield FieldUse(field, CALCULATION, "", line)


def _is_number(node: nodes.Node | None) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, int | float)


def field_of(node: nodes.Node | None) -> str:
    """The merge field whose stored value arrives at this node; "" for any other expression."""
    while isinstance(node, nodes.Filter) and node.name in HANDED_ON:
        node = node.node
    return node.name if isinstance(node, nodes.Name) else ""
