"""Renders a content for a person: Jinja2 in a sandbox with limits. Pure.

Authors are not trusted with the server. Of Jinja2 they get output, `if`, `for`, `set` and `with`, the
filters in `designs.filters`, and no calls but `range`. Work is bounded by counting, not by clocks: each
turn of a loop costs fuel, strings that operators and filters make are limited, and so is the
output. Every step between two counts is short, so a render ends soon on any thread or process.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import ChainableUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from designs.filters import FILTERS, LONGEST_STRING, TooLongError

# Characters of one rendered part.
LONGEST_OUTPUT = 1_000_000
# Turns of all loops of one render together.
MOST_TURNS = 10_000
LONGEST_SUBJECT = 998
PARTS = ("subject", "preheader", "html", "text")

FORBIDDEN = {
    nodes.Macro: "macros",
    nodes.CallBlock: "call blocks",
    nodes.Import: "imports",
    nodes.FromImport: "imports",
    nodes.Include: "includes",
    nodes.Extends: "extends",
    nodes.Block: "blocks",
    nodes.FilterBlock: "filter blocks",
    nodes.AssignBlock: "set blocks",
}
# What a name may be called as a function.
CALLABLE = {"range", "track"}


class RenderError(Exception):
    """A part can't be compiled or rendered. `line` counts from 1; 0 where it isn't known."""

    def __init__(self, part: str, line: int, message: str) -> None:
        super().__init__(f"{part}, line {line}: {message}")
        self.part = part
        self.line = line
        self.message = message


class Urls(Protocol):
    """The addresses that belong to one message (sending.publicurls) or to a preview."""

    @property
    def unsubscribe(self) -> str: ...
    @property
    def view(self) -> str: ...
    # None: opens are not counted.
    @property
    def open_pixel(self) -> str | None: ...
    def click(self, number: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    preheader: str
    html: str
    text: str


class _Fuel:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST_TURNS


_fuel: ContextVar[_Fuel] = ContextVar("fuel")


def _counted(items: Any) -> Iterator[Any]:
    fuel = _fuel.get()
    for item in items if isinstance(items, Iterable) else ():
        fuel.left -= 1
        if fuel.left < 0:
            raise SecurityError(f"loops run more than {MOST_TURNS} times")
        yield item


def _limited_concat(pieces: list[Any]) -> str:
    if any(hasattr(piece, "__html__") for piece in pieces):
        joined: str = Markup("").join(pieces)
    else:
        joined = "".join(str(piece) for piece in pieces)
    if len(joined) > LONGEST_STRING:
        raise SecurityError("a text grows too long")
    return joined


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MOST_TURNS:
        raise SecurityError(f"range() has more than {MOST_TURNS} numbers")
    return made


class Blank(ChainableUndefined):
    """A value that a person doesn't have: prints as nothing, and so do its parts."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("powers are not allowed")
        if operator == "%" and isinstance(left, str):
            raise SecurityError("text can't be formatted with %")
        if operator == "*" and not all(isinstance(side, (int, float)) for side in (left, right)):
            raise SecurityError("only numbers can be multiplied")
        made = super().call_binop(context, operator, left, right)
        if isinstance(made, (str, list, tuple)) and len(made) > LONGEST_STRING:
            raise SecurityError("a text grows too long")
        if isinstance(made, int) and abs(made) > 10**30:
            raise SecurityError("a number grows too large")
        return made


def _environment(*, escape: bool) -> _Environment:
    environment = _Environment(
        autoescape=escape,
        undefined=Blank,
        finalize=lambda value: "" if value is None else value,
        keep_trailing_newline=True,
        cache_size=0,
    )
    environment.filters = {**FILTERS, "_counted": _counted, "_concat": _limited_concat}
    environment.globals = {"range": _range}
    return environment


_HTML = _environment(escape=True)
_TEXT = _environment(escape=False)


def _for_part(part: str) -> _Environment:
    return _HTML if part == "html" else _TEXT


def parse(source: str, part: str) -> nodes.Template:
    """The syntax tree, checked against what authors may use. Raises RenderError."""
    try:
        tree = _for_part(part).parse(source)
    except TemplateSyntaxError as error:
        raise RenderError(part, error.lineno, error.message or "syntax error") from error
    except RecursionError as error:
        raise RenderError(part, 0, "too deeply nested") from error
    for node in tree.find_all(nodes.Node):
        _check(node, part)
    return tree


def _check(node: nodes.Node, part: str) -> None:
    if what := FORBIDDEN.get(type(node)):  # type: ignore[call-overload]
        raise RenderError(part, node.lineno, f"{what} are not allowed here")
    if isinstance(node, nodes.Call) and not (
        isinstance(node.node, nodes.Name) and node.node.name in CALLABLE
    ):
        raise RenderError(
            part, node.lineno, "functions can't be called here; use a filter such as |upper"
        )
    if isinstance(node, nodes.For) and node.recursive:
        raise RenderError(part, node.lineno, "recursive loops are not allowed here")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise RenderError(part, node.lineno, f"there is no filter named {node.name}")


def _bound(tree: nodes.Template) -> nodes.Template:
    """Lets each loop count its turns and each `~` its characters."""
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "_counted", [], [], None, None, lineno=loop.lineno)
    for node in tree.find_all((nodes.Expr, nodes.Stmt)):
        for name, value in node.iter_fields():
            if isinstance(value, nodes.Concat):
                setattr(node, name, _as_filter(value))
            elif isinstance(value, list):
                value[:] = [_as_filter(v) if isinstance(v, nodes.Concat) else v for v in value]
    return tree


def _as_filter(node: nodes.Concat) -> nodes.Filter:
    pieces = nodes.List(node.nodes, lineno=node.lineno)
    return nodes.Filter(pieces, "_concat", [], [], None, None, lineno=node.lineno)


def fields_used(source: str, part: str) -> set[str]:
    """The names that a part takes from outside: merge fields. Raises RenderError."""
    return find_undeclared_variables(parse(source, part)) - CALLABLE


class Part:
    """One compiled part. `render` may be called from any thread."""

    def __init__(self, source: str, part: str) -> None:
        self.part = part
        environment = _for_part(part)
        try:
            code = environment.compile(_bound(parse(source, part)), name=part, filename="<part>")
        except TemplateSyntaxError as error:
            raise RenderError(part, error.lineno, error.message or "syntax error") from error
        except TemplateError as error:
            raise RenderError(part, 0, error.message or "can't be compiled") from error
        self.template = Template.from_code(environment, code, environment.make_globals(None))

    def render(self, values: Mapping[str, Any]) -> str:
        token = _fuel.set(_Fuel())
        try:
            return self._collect(values)
        except RenderError:
            raise
        except (SecurityError, TooLongError) as error:
            raise RenderError(self.part, self._line(error), str(error)) from error
        except UndefinedError as error:
            raise RenderError(self.part, self._line(error), error.message or "no value") from error
        except Exception as error:  # noqa: BLE001 - an author's expression can fail in any way
            words = f"{type(error).__name__}: {error}"
            raise RenderError(self.part, self._line(error), words) from error
        finally:
            _fuel.reset(token)

    def _collect(self, values: Mapping[str, Any]) -> str:
        pieces, length = [], 0
        context = self.template.new_context(dict(values))
        for piece in self.template.root_render_func(context):
            length += len(piece)
            if length > LONGEST_OUTPUT:
                raise SecurityError(f"it grows over {LONGEST_OUTPUT} characters")
            pieces.append(piece)
        return "".join(pieces)

    def _line(self, error: BaseException) -> int:
        line, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<part>":
                line = self.template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return line


class Renderer:
    """A content's four parts, compiled once and rendered for each person."""

    def __init__(
        self, *, subject: str, preheader: str = "", html: str = "", text: str = ""
    ) -> None:
        self.parts = {
            name: Part(source, name)
            for name, source in zip(PARTS, (subject, preheader, html, text), strict=True)
        }

    def render(self, fields: Mapping[str, Any], urls: Urls) -> Rendered:
        """Fields are merge fields by name, `workspace` among them. Raises RenderError."""
        values = {
            **fields,
            "unsubscribe_url": urls.unsubscribe,
            "view_url": urls.view,
            "open_pixel_url": urls.open_pixel,
            "track": urls.click,
        }
        preheader = one_line(self.parts["preheader"].render(values))
        return Rendered(
            subject=one_line(self.parts["subject"].render(values))[:LONGEST_SUBJECT],
            preheader=preheader,
            html=self.parts["html"].render(values | {"preheader": preheader}),
            text=self.parts["text"].render(values),
        )


def one_line(text: str) -> str:
    """Without line breaks and control characters: safe in a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


# A person for previews where no contact is chosen.
SAMPLE_FIELDS: dict[str, Any] = {
    "email": "lan.zhou@example.com",
    "first_name": "Lan",
    "last_name": "Zhou",
    "full_name": "Zhou Lan",
    "today": date(2026, 1, 1).isoformat(),
}
