"""The Jinja2 sandbox: limits values, operators, filters and loops of a running part. Pure.

`environment` makes the Jinja2 environments. `bound` adds the payments to a syntax tree
(designs.fuel, designs.costs).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import ChainableUndefined, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from contacts.mergenames import CALLED
from designs.costs import contains, paid_filter, paid_test, searched_through, weighed
from designs.filters import LARGEST_NUMBER, LONGEST_STRING, as_text, filters
from designs.fuel import CHARACTERS, MOST_TURNS, LimitError, burn, price, size, turn
from designs.valuetests import tests

# Attributes of `loop` that are values. The others are functions.
OF_LOOP = frozenset(
    "index index0 revindex revindex0 first last length previtem nextitem depth depth0".split()
)
# Cost of a comparison in a loop's body: it calls a method of the values. Other nodes cost 1.
COMPARISON = 10
# Cost of a call, besides its arguments: `track` computes a signature.
CALL = 50


def _counted(items: Any, cost: int) -> Iterator[Any]:
    for item in items if isinstance(items, Iterable) else ():
        turn(cost)
        yield item


def _concat_in(language: str) -> Callable[[list[Any]], str]:
    def concat(pieces: list[Any]) -> str:
        """Implements `~`. If one piece is markup, the result is markup and the others are
        escaped."""
        words = [
            piece if hasattr(piece, "__html__") else as_text(piece, language) for piece in pieces
        ]
        length = sum(map(len, words))
        if length > LONGEST_STRING:
            raise LimitError("a text grows too long")
        burn(price(length))
        if not any(hasattr(word, "__html__") for word in words):
            return "".join(words)
        made = Markup("").join(words)
        if len(made) > LONGEST_STRING:
            raise LimitError("a text grows too long")
        return made

    return concat


def _flat(items: Any) -> Any:
    """The list, if it holds no lists: nested lists could double with each line of the source."""
    values = items.values() if isinstance(items, dict) else items
    if any(isinstance(item, (list, tuple, dict, range)) for item in values):
        raise LimitError("lists can't hold lists")
    if len(items) > MOST_TURNS:
        raise LimitError("a list grows too long")
    burn(price(size(items)))
    return items


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MOST_TURNS:
        raise LimitError(f"range() has more than {MOST_TURNS} numbers")
    return made


class Blank(ChainableUndefined):
    """A missing value of a person. It and its attributes print as "". It equals an empty text;
    every other comparison is false."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other is None or other == "" or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def _no(self, other: object) -> bool:  # noqa: ARG002 - an operator's signature
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _no  # type: ignore[assignment]
    __hash__ = ChainableUndefined.__hash__


class Generator(CodeGenerator):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Switches the optimizer off: it would calculate while a part is compiled, without fuel."""
        super().__init__(*arguments, **named)
        self.optimizer = None

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        """Prints constants like values: Jinja2 would escape `{{ none }}` in HTML before `finalize`
        sees it."""
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class Environment(ImmutableSandboxedEnvironment):
    code_generator_class = Generator
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise LimitError("powers are not allowed")
        if operator == "%" and isinstance(left, str):
            raise LimitError("text can't be formatted with %")
        if operator == "*" and not all(isinstance(side, (int, float)) for side in (left, right)):
            raise LimitError("only numbers can be multiplied")
        made = super().call_binop(context, operator, left, right)
        length = len(made) if isinstance(made, (str, list, tuple)) else 0
        if length > LONGEST_STRING:
            raise LimitError("a text grows too long")
        if isinstance(made, int) and abs(made) > LARGEST_NUMBER:
            raise LimitError("a number grows too large")
        burn(price(length))
        return made

    def call(self, context: Any, called: Any, /, *arguments: Any, **named: Any) -> Any:
        pay_for_call(*arguments, **named)
        return super().call(context, called, *arguments, **named)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Refuses a list as a key: its hash would be computed each time."""
        if isinstance(argument, (list, tuple, dict)):
            return self.undefined(obj=obj, name="")
        return super().getitem(obj, argument)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Gives access to keys of mappings and to values of loops only; a text's methods are
        hidden."""
        if isinstance(obj, Mapping):
            return obj.get(attribute, self.undefined(obj=obj, name=attribute))
        if isinstance(obj, Undefined) or (isinstance(obj, LoopContext) and attribute in OF_LOOP):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)


@cache
def shown_in(language: str) -> Callable[[Any], Any]:
    def shown(value: Any) -> Any:
        """Every `{{ }}` calls this. It prints data only (`as_text`). Line ends become LF."""
        text = value if hasattr(value, "__html__") else as_text(value, language)
        if type(text) is not Blank and "\r" in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
        return text

    return shown


@cache
def environment(*, escape: bool, pays: bool = True, language: str = "en") -> Environment:
    """`pays`: filters burn fuel. `language`: of printed values (designs.language)."""
    made = Environment(
        autoescape=escape,
        undefined=Blank,
        finalize=shown_in(language),
        keep_trailing_newline=True,
        newline_sequence="\n",
        cache_size=0,
        optimized=False,
    )
    known = filters(language)
    made.filters = {name: paid_filter(name, one) if pays else one for name, one in known.items()}
    made.filters |= OURS | {"_concat": _concat_in(language)}
    made.tests = {name: paid_test(one) if pays else one for name, one in tests(language).items()}
    made.tests["in"] = contains
    made.globals = {CALLED["range"]: _range}
    return made


# Filters that authors can't write. `bound` inserts them.
OURS: dict[str, Callable[..., Any]] = {
    "_counted": _counted,
    "_flat": _flat,
    "_contains": contains,
    "_weighed": weighed,
    "_searched_through": searched_through,
}


def pay_for_call(*arguments: Any, **named: Any) -> None:
    burn(CALL + price(sum(map(size, arguments)) + sum(map(size, named.values()))))


def bound(tree: nodes.Template, *, pays: bool = True) -> nodes.Template:
    """Makes each loop pay for its iterations and each operator for its characters, and refuses
    nested lists."""
    made: nodes.Template = _Binding(pays=pays).visit(tree)
    return made


class _Binding(NodeTransformer):
    """Without `pays`, only the limits that don't depend on fuel are added."""

    def __init__(self, *, pays: bool) -> None:
        self.pays = pays

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja2's names
        cost = nodes.Const(cost_of_turn(node), lineno=node.lineno)
        self.generic_visit(node)
        if self.pays:
            node.iter = _as_filter(node.iter, "_counted", cost)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _as_filter(nodes.List(node.nodes, lineno=node.lineno), "_concat")

    def visit_List(self, node: nodes.Expr) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _as_filter(node, "_flat")

    visit_Dict = visit_List  # noqa: N815

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802
        return self.visit_List(node) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802
        self.generic_visit(node)
        if self.pays and isinstance(node.arg, nodes.Slice):
            node.node = _as_filter(node.node, "_weighed")
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        if not self.pays:
            return node
        if len(node.ops) == 1 and node.ops[0].op in {"in", "notin"}:
            found = _as_filter(node.expr, "_contains", node.ops[0].expr)
            return found if node.ops[0].op == "in" else nodes.Not(found, lineno=node.lineno)
        left = node.expr
        for operand in node.ops:
            right = operand.expr
            if operand.op in {"in", "notin"}:
                operand.expr = _as_filter(right, "_searched_through")
            elif not (is_short(left) or is_short(right)):
                operand.expr = _as_filter(right, "_weighed")
            left = right
        return node


def is_short(node: nodes.Node) -> bool:
    """Whether it is a short constant: comparing with it takes no longer than its own length."""
    return isinstance(node, nodes.Const) and size(node.value) <= CHARACTERS


def cost_of_turn(loop: nodes.For) -> int:
    """The cost of one iteration, besides the payments of operators and filters in it."""
    nodes_inside = loop.find_all(nodes.Node)
    return sum(COMPARISON if isinstance(one, nodes.Compare) else 1 for one in nodes_inside)


def _as_filter(node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)
