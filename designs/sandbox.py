"""What a running part may do and spend: values, operators, filters, loops. Pure.

`environment` makes the Jinja2 environments; `bound` puts the payments into a syntax tree; `worst`
says what a tree can spend at most.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any, NamedTuple

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import ChainableUndefined, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from contacts.mergenames import CALLED
from designs.filters import LONGEST_STRING, LimitError, as_text, filters

# Turns of all loops of one render together, and what they and the operators may spend: a node in a
# loop's body costs 1 a turn, a comparison 10, a made string 1 for each 50 characters.
MOST_TURNS = 10_000
FUEL = 1_000_000
# Parts of `loop` that are values; the others are functions.
OF_LOOP = frozenset(
    "index index0 revindex revindex0 first last length previtem nextitem depth depth0".split()
)
# What one operator or filter may spend.
MOST_SPENT = 2 + LONGEST_STRING // 50
INTERCEPTED = (nodes.Mul, nodes.Pow, nodes.Add, nodes.Mod)


class Fuel:
    """What is left to one render."""

    __slots__ = ("left", "turns")

    def __init__(self) -> None:
        self.left = FUEL
        self.turns = MOST_TURNS


_fuel: ContextVar[Fuel] = ContextVar("fuel")


@contextmanager
def fuelled() -> Iterator[None]:
    """What is rendered inside pays."""
    token = _fuel.set(Fuel())
    try:
        yield
    finally:
        _fuel.reset(token)


def _burn(amount: int) -> None:
    # Without fuel: what can't spend it all (`worst`), and the compiler, which folds constants.
    fuel = _fuel.get(None)
    if fuel is None:
        return
    fuel.left -= amount
    if fuel.left < 0:
        raise LimitError("this takes too long; use smaller loops")


def _counted(items: Any, cost: int) -> Iterator[Any]:
    for item in items if isinstance(items, Iterable) else ():
        _burn(cost)
        fuel = _fuel.get()
        fuel.turns -= 1
        if fuel.turns < 0:
            raise LimitError(f"loops run more than {MOST_TURNS} times")
        yield item


def _concat_in(language: str) -> Callable[[list[Any]], str]:
    def concat(pieces: list[Any]) -> str:
        """What `~` makes: markup when a piece is, and then the other pieces are escaped."""
        words = [
            piece if hasattr(piece, "__html__") else as_text(piece, language) for piece in pieces
        ]
        length = sum(map(len, words))
        if length > LONGEST_STRING:
            raise LimitError("a text grows too long")
        _burn(1 + length // 50)
        if any(hasattr(word, "__html__") for word in words):
            return Markup("").join(words)
        return "".join(words)

    return concat


def _flat(items: Any) -> Any:
    """A list without lists in it: nested ones grow twofold with each line that is written."""
    values = items.values() if isinstance(items, dict) else items
    if any(isinstance(item, (list, tuple, dict, range)) for item in values):
        raise LimitError("lists can't hold lists")
    return items


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MOST_TURNS:
        raise LimitError(f"range() has more than {MOST_TURNS} numbers")
    return made


def _paid(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def paid(*arguments: Any, **named: Any) -> Any:
        made = function(*arguments, **named)
        _burn(2 + (len(made) // 50 if isinstance(made, str) else 0))
        return made

    return paid


class Blank(ChainableUndefined):
    """A value that a person doesn't have: prints as nothing, and so do its parts; equal to an empty
    text, and neither more nor less than anything."""

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
    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        """Constants are printed as values are: Jinja2 would escape `{{ none }}` in HTML before
        `finalize` could tell what it is."""
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
        size = len(made) if isinstance(made, (str, list, tuple)) else 0
        if size > LONGEST_STRING:
            raise LimitError("a text grows too long")
        if isinstance(made, int) and abs(made) > 10**30:
            raise LimitError("a number grows too large")
        _burn(1 + size // 50)
        return made

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Parts of what we pass in, and of loops; a text's methods are nothing to print."""
        if isinstance(obj, Mapping):
            return obj.get(attribute, self.undefined(obj=obj, name=attribute))
        if isinstance(obj, Undefined) or (isinstance(obj, LoopContext) and attribute in OF_LOOP):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)


@cache
def shown_in(language: str) -> Callable[[Any], Any]:
    def shown(value: Any) -> Any:
        """Every `{{ }}` goes through this; only data is shown (`as_text`). A line ends with LF,
        whatever the value has."""
        text = value if hasattr(value, "__html__") else as_text(value, language)
        if type(text) is not Blank and "\r" in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
        return text

    return shown


@cache
def environment(*, escape: bool, pays: bool = True, language: str = "en") -> Environment:
    """`pays`: filters burn fuel. `language`: of what is printed (designs.language)."""
    made = Environment(
        autoescape=escape,
        undefined=Blank,
        finalize=shown_in(language),
        keep_trailing_newline=True,
        newline_sequence="\n",
        cache_size=0,
    )
    known = filters(language)
    made.filters = {name: _paid(one) if pays else one for name, one in known.items()}
    concat = _concat_in(language)
    made.filters |= {"_counted": _counted, "_concat": concat, "_flat": _flat}
    made.globals = {CALLED["range"]: _range}
    return made


def bound(tree: nodes.Template, *, pays: bool = True) -> nodes.Template:
    """Lets each loop pay for its turns, each `~` count its characters, each list be flat."""
    for loop in list(tree.find_all(nodes.For)) if pays else ():
        cost = nodes.Const(_turn(loop), lineno=loop.lineno)
        loop.iter = _as_filter(loop.iter, "_counted", cost)
    for node in list(tree.find_all(nodes.Node)):
        for name, value in list(node.iter_fields()):
            if isinstance(value, list):
                value[:] = [_guarded(v) if isinstance(v, nodes.Expr) else v for v in value]
            elif isinstance(value, nodes.Expr):
                setattr(node, name, _guarded(value))
    return tree


def _turn(loop: nodes.For) -> int:
    """What one turn costs."""
    return sum(10 if isinstance(n, nodes.Compare) else 1 for n in loop.find_all(nodes.Node))


def _guarded(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Concat):
        return _as_filter(nodes.List(node.nodes, lineno=node.lineno), "_concat")
    if isinstance(node, (nodes.List, nodes.Dict)) or (
        isinstance(node, nodes.Tuple) and node.ctx == "load"
    ):
        return _as_filter(node, "_flat")
    return node


def _as_filter(node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


class Spent(NamedTuple):
    """What a render can come to at most: fuel, turns, printed values, characters of the source."""

    fuel: int = 0
    turns: int = 0
    values: int = 0
    characters: int = 0


def worst(tree: nodes.Node) -> Spent | None:
    """What rendering `tree` can spend at most; None where a loop's turns depend on values.

    To be asked before `bound`.
    """
    fuel = turns = values = characters = 0
    for node in tree.iter_child_nodes():
        inside = worst(node)
        times = 1
        if isinstance(node, nodes.For):
            times = length if (length := _length(node.iter)) is not None else -1
        if inside is None or times < 0:
            return None
        once = MOST_SPENT * isinstance(node, (nodes.Filter, nodes.Concat, *INTERCEPTED))
        if isinstance(node, nodes.For):
            once = _turn(node) * times
            turns += times
        fuel += once + inside.fuel * max(times, 1)
        turns += inside.turns * times
        printed = isinstance(tree, nodes.Output) and not isinstance(node, nodes.TemplateData)
        values += printed + inside.values * max(times, 1)
        data = len(node.data) if isinstance(node, nodes.TemplateData) else 0
        characters += data + inside.characters * max(times, 1)
    return Spent(fuel, turns, values, characters)


def _length(items: nodes.Node) -> int | None:
    """How many turns a loop over `items` has; None where that isn't written in the source."""
    if isinstance(items, (nodes.List, nodes.Tuple, nodes.Dict)):
        return len(items.items)
    if isinstance(items, nodes.Const) and isinstance(items.value, str):
        return len(items.value)
    if isinstance(items, nodes.Call):
        bounds = _bounds(items)
        return len(range(*bounds)) if bounds else None
    return None


def _bounds(call: nodes.Call) -> list[int]:
    """The numbers of `range(...)` as they are written; empty where they are something else."""
    bounds = [one.value for one in call.args if isinstance(one, nodes.Const)]
    plain = not (call.kwargs or call.dyn_args or call.dyn_kwargs)
    if not (isinstance(call.node, nodes.Name) and call.node.name == CALLED["range"] and plain):
        return []
    small = all(type(one) is int and abs(one) <= MOST_TURNS for one in bounds)
    right = len(bounds) == len(call.args) and 1 <= len(bounds) <= 3 and bounds[2:] != [0]
    return bounds if small and right else []
