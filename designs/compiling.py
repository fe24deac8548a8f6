"""Compiles a part of a content to a Python function that appends encoded bytes to a list. Pure.

Jinja2's own compiler handles the language; this one makes it write quoted-printable. Everything
that is the same for all mails of a mailing (the author's text, our URLs, the workspace) is encoded
at compile time. Only the token and the values differ from mail to mail, and frequent values are
cached.

A part that can't exceed its limits (designs.spending.worst) runs without counting fuel. After any
error here, the part is rendered by designs.rendering, which reports the error with its place.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

from jinja2 import TemplateError, TemplateRuntimeError, nodes
from jinja2.compiler import Frame
from jinja2.idtracking import VAR_LOAD_ALIAS, VAR_LOAD_PARAMETER, VAR_LOAD_RESOLVE
from jinja2.nodes import EvalContext
from jinja2.runtime import LoopContext, Undefined
from jinja2.utils import Namespace, missing
from markupsafe import Markup

from contacts.mergenames import CALLED
from designs import printing
from designs.encoding import LONGEST_VALUE, MOST_BYTES, Memo, piece
from designs.exceptions import DesignsError
from designs.fixed import OURS, SIGNED, Fixed, Fixing
from designs.fuel import FUEL, MOST_TURNS, LimitError, fuelled
from designs.rendering import LONGEST_OUTPUT, UNREADABLE, RenderError, parse
from designs.sandbox import (
    OF_LOOP,
    Blank,
    Environment,
    Generator,
    bound,
    environment,
    pay_for_call,
)
from designs.spending import worst
from environment import logs

log = logs.get(__name__)

# Bytes. A part whose output can't be longer is written without checks of its length.
MOST_UNSEEN = 16_000_000
# Classes whose equal values always print the same. (1 == True, so bool isn't among them.)
KEYED = frozenset({str, int, date})
# Fields whose values are different for each person: caching them is useless.
UNIQUE = frozenset({"email"})


class Uncompiled(DesignsError):  # noqa: N818 - no error: the part is rendered the other way
    """This compiler leaves the part to designs.rendering."""


class Render(Protocol):
    """Appends a part's pieces to `out`. `get`: looks up the person's merge fields. `token`: the
    message's token, encoded. `words`: the token as text. `preheader`: shown by the HTML."""

    def __call__(
        self,
        out: list[Any],
        get: Callable[[str, Any], Any],
        token: Any,
        words: str,
        preheader: str = "",
    ) -> None: ...


def compile_bytes(source: str, part: str, fixed: Fixed) -> Render:
    """Compiles `html` or `text` to quoted-printable pieces; `token` ends with a soft line end.
    Raises Uncompiled."""
    value = printing.html_value if part == "html" else printing.text_value
    return _compile(source, part, fixed, value(fixed.language), piece)


def compile_words(source: str, part: str, fixed: Fixed) -> Render:
    """Compiles `subject` or `preheader` to text; `token` is text too. Raises Uncompiled."""
    return _compile(source, part, fixed, printing.word_value(fixed.language), None)


def is_solid(source: str) -> bool:
    """Whether the HTML contains text outside expressions and blocks, so that it is never empty.
    Raises Uncompiled."""
    try:
        tree = parse(source, "html")
    except RenderError as error:
        raise Uncompiled(str(error)) from error
    outputs = (node for node in tree.body if isinstance(node, nodes.Output))
    texts = (one for output in outputs for one in output.nodes)
    return any(isinstance(one, nodes.TemplateData) and one.data.strip() for one in texts)


def _compile(
    source: str,
    part: str,
    fixed: Fixed,
    value: Callable[[Any], Any],
    encode: Callable[[str], bytes] | None,
) -> Render:
    try:
        tree = parse(source, part)
        Fixing(fixed, html=part == "html").visit(tree)
        spent = worst(tree)
        free = spent is not None and (
            spent.fuel <= FUEL
            and spent.turns <= MOST_TURNS
            and (spent.values * LONGEST_VALUE + spent.characters) * MOST_BYTES <= MOST_UNSEEN
        )
        sandbox = environment(escape=part == "html", pays=not free, language=fixed.language)
        writer = _Writer(sandbox, part, fixed, value, encode, pays=not free)
        render = writer.function(bound(tree, pays=not free), memos=free)
    except (RenderError, TemplateError, *UNREADABLE) as error:
        raise Uncompiled(str(error)) from error
    except Uncompiled:
        raise
    except Exception as error:
        # A bug in this compiler must not stop a mailing.
        log.exception("part of a design could not be compiled")
        raise Uncompiled(str(error)) from error
    return render if free else _counted(render)


def _counted(render: Render) -> Render:
    """A render function that counts fuel and checks the length after each statement."""

    def counted(
        out: list[Any],
        get: Callable[[str, Any], Any],
        token: Any,
        words: str,
        preheader: str = "",
    ) -> None:
        pieces = _Limited()
        with fuelled():
            render(pieces, get, token, words, preheader)
        out += pieces

    return counted


class _Limited(list[Any]):
    """A list of pieces that together have at most LONGEST_OUTPUT bytes."""

    __slots__ = ("length",)

    def __init__(self) -> None:
        super().__init__()
        self.length = 0

    def extend(self, pieces: Iterable[Any]) -> None:
        some = tuple(pieces)
        self.length += sum(map(len, some))
        if self.length > LONGEST_OUTPUT:
            raise LimitError("it may grow too long")
        super().extend(some)

    def append(self, one: Any) -> None:
        self.extend((one,))


class _Writer(Generator):
    """Writes one part's function: pieces go into `out`, values come from `get`."""

    def __init__(  # noqa: PLR0913 - what _compile knows
        self,
        sandbox: Environment,
        part: str,
        fixed: Fixed,
        value: Callable[[Any], Any],
        encode: Callable[[str], bytes] | None,
        *,
        pays: bool,
    ) -> None:
        super().__init__(sandbox, part, "<part>")
        self.encode = encode
        self.filters = {name: f"filter_{n}" for n, name in enumerate(sandbox.filters)}
        self.tests = {name: f"test_{n}" for n, name in enumerate(sandbox.tests)}
        self.special = _special(fixed, part)
        # {filter that replaces an expression: (the field that it depends on, the expression)}.
        self.memos: dict[str, tuple[str, nodes.Expr]] = {}
        # Memos used at several places. Each is looked up once per mail.
        self.often: set[str] = set()
        self.namespace: dict[str, Any] = {
            **{self.filters[name]: sandbox.filters[name] for name in self.filters},
            **{self.tests[name]: sandbox.tests[name] for name in self.tests},
            "environment": sandbox,
            # Jinja2 passes it to operators; ours ignore it.
            "context": None,
            "undefined": Blank,
            "cond_expr_undefined": lru_cache(maxsize=100)(Undefined),
            "missing": missing,
            "LoopContext": LoopContext,
            "Namespace": Namespace,
            "TemplateRuntimeError": TemplateRuntimeError,
            "Markup": Markup,
            "identity": str,
            "value": _remembered(value),
            "encoded": value,
            "keyed": KEYED,
            "workspace": dict(fixed.workspace),
            "range_": sandbox.globals[CALLED["range"]],
            "call": _paid_call if pays else _call,
            "click": _paying(printing.clicks(fixed)) if pays else printing.clicks(fixed),
            "signed": _paying_signed(printing.signed(fixed)) if pays else printing.signed(fixed),
        }

    def function(self, tree: nodes.Template, *, memos: bool) -> Render:
        stored = {one.name for one in tree.find_all(nodes.Name) if one.ctx != "load"}
        if stored & self.special.keys() or any(_is_odd(one) for one in _loose_names(tree)):
            raise Uncompiled("a name of ours is used in another way")
        if memos:
            self._remember(tree, stored)
        self.visit(tree)
        exec(compile(self.stream.getvalue(), "<part>", "exec"), self.namespace)  # type: ignore[attr-defined]  # noqa: S102 - Jinja2's own code, of a tree that was checked
        for name in self.memos:
            self.namespace[name] = Memo(self.namespace[f"make_{name}"])
        made: Render = self.namespace["render"]
        return made

    def _remember(self, tree: nodes.Template, stored: set[str]) -> None:
        """Caches expressions that depend on one field, with their filters, by the field's value."""
        known: dict[str, str] = {}
        places: Counter[str] = Counter()
        for output in tree.find_all(nodes.Output):
            for place, child in enumerate(output.nodes):
                field = _only_field(child)
                if field in UNIQUE or field is None or field in stored or _is_odd(field):
                    continue
                memo = known.setdefault(repr(child), f"memo_{len(known)}")
                self.memos[memo] = (field, child)
                places[memo] += 1
                name = nodes.Name(field, "load", lineno=child.lineno)
                output.nodes[place] = nodes.Filter(
                    name, memo, [], [], None, None, lineno=child.lineno
                )
        self.often = {memo for memo, number in places.items() if number > 1}

    # -- Methods that Jinja2's visitor calls

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        for name, (field, expression) in self.memos.items():
            self._function(f"make_{name}", field, expression)
        frame = Frame(EvalContext(self.environment, self.name))
        frame.buffer = "out"
        frame.symbols.analyze_node(node)
        frame.toplevel = frame.rootlevel = True
        self.writeline("def render(out, get, token, words, preheader=''):", extra=1)
        self.indent()
        self.enter_frame(frame)
        # A field that is used only inside a loop is unknown to the part's outer frame.
        known = frame.symbols.find_ref
        self.often = {memo for memo in self.often if known(self.memos[memo][0]) is not None}
        for memo in sorted(self.often):
            field = self.memos[memo][0]
            self.writeline(f"value_{memo} = ")
            self._look_up(memo, nodes.Name(field, "load", lineno=1), frame)
        self.blockvisit(node.body, frame)
        self.outdent()

    def _function(self, name: str, field: str, expression: nodes.Expr) -> None:
        frame = Frame(EvalContext(self.environment, self.name))
        self.writeline(f"def {name}({frame.symbols.declare_parameter(field)}):", extra=1)
        self.indent()
        self.writeline("return encoded(")
        self.visit(expression, frame)
        self.write(")")
        self.outdent()

    def enter_frame(self, frame: Frame) -> None:
        for target, (action, name) in frame.symbols.loads.items():
            if action == VAR_LOAD_RESOLVE:
                self.writeline(f"{target} = {self.special.get(name, f'get({name!r}, missing)')}")
            elif action == VAR_LOAD_ALIAS:
                self.writeline(f"{target} = {name}")
            elif action != VAR_LOAD_PARAMETER:
                self.writeline(f"{target} = missing")

    def pop_assign_tracking(self, frame: Frame) -> None:  # noqa: ARG002 - as its parent's
        """Doesn't export assigned names: no other template reads them."""
        self._assign_stack.pop()

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        text = "".join(group)
        return repr(self.encode(text) if self.encode else text)

    def _output_child_pre(self, node: nodes.Expr, *_: Any) -> None:
        if not self._is_ready(node):
            is_unique = isinstance(node, nodes.Name) and node.name in UNIQUE
            # A link with several of a person's values is unique, too.
            is_unique |= isinstance(node, nodes.Call) or _is_signed(node)
            self.write("encoded(" if is_unique else "value(")

    def _output_child_post(self, node: nodes.Expr, *_: Any) -> None:
        if not self._is_ready(node):
            self.write(")")

    def _is_ready(self, node: nodes.Expr) -> bool:
        remembered = isinstance(node, nodes.Filter) and node.name in self.memos
        return remembered or isinstance(node, nodes.InternalName)

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802
        if node.name in self.often:
            self.write(f"value_{node.name}")
        elif node.name in self.memos:
            self._look_up(node.name, node.node, frame)  # type: ignore[arg-type]  # a Name
        elif _is_signed(node):
            self.write("signed(")
            self.visit(node.node, frame)  # type: ignore[arg-type]
            self.signature(node, frame)
            self.write(")")
        else:
            super().visit_Filter(node, frame)

    def _look_up(self, memo: str, name: nodes.Expr, frame: Frame) -> None:
        ref = frame.symbols.ref(self.memos[memo][0])
        self.write(f"({memo}[{ref}] if {ref}.__class__ in keyed else make_{memo}(")
        self.visit(name, frame)
        self.write("))")

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:  # noqa: N802
        ref = frame.symbols.ref(node.name)
        load = frame.symbols.find_load(ref)
        if node.ctx != "load" or (load is not None and load[0] == VAR_LOAD_PARAMETER):
            super().visit_Name(node, frame)
            return
        blank = f"blank_{node.name}"
        self.namespace[blank] = Blank(name=node.name)
        self.write(f"({blank} if {ref} is missing else {ref})")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802
        if isinstance(node.node, nodes.Name) and node.node.name == "loop" and node.attr in OF_LOOP:
            ref = frame.symbols.ref("loop")
            load = frame.symbols.find_load(ref)
            if load is not None and load[0] == VAR_LOAD_PARAMETER:
                self.write(f"{ref}.{node.attr}")
                return
        super().visit_Getattr(node, frame)

    def visit_Call(  # noqa: N802
        self,
        node: nodes.Call,
        frame: Frame,
        forward_caller: bool = False,  # noqa: ARG002 - Jinja2's signature
    ) -> None:
        """Only `range` and `track` can be called (designs.rendering.parse)."""
        if isinstance(node.node, nodes.Name) and node.node.name == CALLED["track"]:
            self.write("click(words")
        else:
            self.write("call(")
            self.visit(node.node, frame)
        self.signature(node, frame)
        self.write(")")


def _is_signed(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Filter) and node.name == SIGNED


def _special(fixed: Fixed, part: str) -> dict[str, str]:
    """{name: its expression in the part's function}."""
    names = {"workspace": "workspace", CALLED["track"]: "None", CALLED["range"]: "range_"}
    for name in OURS:
        if name.endswith("_url"):
            address = fixed.address(name)
            names[name] = f"words.join({address!r})" if address else "None"
    return names | ({"preheader": "preheader"} if part == "html" else {})


def _remembered(value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same function, with a cache of frequent values."""
    known = Memo(value)
    return lambda one: known[one] if one.__class__ in KEYED else value(one)


def _call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return function(*arguments, **named)


def _paid_call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    pay_for_call(*arguments, **named)
    return function(*arguments, **named)


def _paying(click: Callable[..., str]) -> Callable[..., str]:
    def paying(words: str, *arguments: Any, **named: Any) -> str:
        pay_for_call(*arguments, **named)
        return click(words, *arguments, **named)

    return paying


def _paying_signed(sign: Callable[[Any, int], str]) -> Callable[[Any, int], str]:
    """Pays the same fuel as the call that it replaces."""

    def paying(value: Any, number: int) -> str:
        pay_for_call(number, value)
        return sign(value, number)

    return paying


def _loose_names(tree: nodes.Template) -> Iterator[str]:
    """The names that a part reads, without those that it calls."""
    called = {id(one.node) for one in tree.find_all(nodes.Call)}
    return (one.name for one in tree.find_all(nodes.Name) if id(one) not in called)


def _is_odd(name: str) -> bool:
    """Whether Jinja2 gives the name a meaning (`self`), or an attribute has the name of our
    function (`track`). Only plain rendering tells the two apart."""
    return name in {"self", "track"}


def _only_field(node: nodes.Node) -> str | None:
    """The field that `node` shows, through filters whose other arguments are constant."""
    while isinstance(node, nodes.Filter) and not (node.dyn_args or node.dyn_kwargs):
        others = [*node.args, *(pair.value for pair in node.kwargs)]
        if node.node is None or not all(isinstance(one, nodes.Const) for one in others):
            return None
        node = node.node
    return node.name if isinstance(node, nodes.Name) else None
