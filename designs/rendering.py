"""Renders a content for a person: Jinja2 in a sandbox with limits. Pure.

Authors are not trusted. Of Jinja2 they may use output, `if`, `for`, `set` and `with`, the filters
in `designs.filters`, and calls of `range` and `track` only.

Counting limits the time (designs.fuel). A clock can't: a signal reaches only the main thread of a
process, and a waiting thread can't stop the rendering one. So each loop iteration pays for the
nodes in its body, and each operator, filter and test for the characters that it reads and makes
(designs.costs). The source, strings and the output have limits, too. No long operation can run
between two payments, so a rendering ends soon on any thread, and the same design always fails at
the same place. Nothing is calculated while a part is parsed or compiled.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.meta import find_undeclared_variables

from contacts.mergenames import CALLED
from designs import language as languages
from designs import personal
from designs.exceptions import DesignsError
from designs.filters import FILTERS, LARGEST_INT, as_text
from designs.fuel import LimitError, TimeUpError, fuelled
from designs.markup import jinja_spans, readable
from designs.sandbox import Environment, bound, environment
from pages.oneline import one_line

# Characters of one rendered part.
LONGEST_OUTPUT = 1_000_000
# Characters of the source of one part.
LONGEST_SOURCE = 500_000
# HTML tags in the source of a mail. One costs up to 0.15 ms, because a preview reads it several
# times. A mail of 102 KB, which Gmail still shows whole, has about 3,000.
MOST_ELEMENTS = 10_000
# Comments aren't counted: they cost almost nothing.
TAG = re.compile("</?[a-zA-Z]")
# Expressions and statements of one part, and their characters: compiling 5,000 takes half a second.
MOST_TAGS = 5_000
LONGEST_TAGS = 100_000
# Characters of text in quotes inside an expression.
LONGEST_LITERAL = 10_000
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
# Errors of Python for sources that are nested too deeply or contain numbers of thousands of digits.
UNREADABLE = (RecursionError, ValueError, SyntaxError, MemoryError, OverflowError)


class RenderError(DesignsError):
    """A part can't be compiled or rendered. `line` counts from 1; 0 if unknown. `by_zero`: it
    divides by zero."""

    def __init__(self, part: str, line: int, message: str, *, by_zero: bool = False) -> None:
        super().__init__(f"{part}, line {line}: {message}")
        self.part = part
        self.line = line
        self.message = message
        self.by_zero = by_zero


class Urls(Protocol):
    """The URLs of one message (sending.compose.publicurls) or of a preview."""

    @property
    def unsubscribe(self) -> str: ...
    @property
    def preferences(self) -> str: ...
    @property
    def view(self) -> str: ...
    # None: opens are not counted.
    @property
    def open_pixel(self) -> str | None: ...
    # `personal`: the personal part of a link (designs.personal).
    def click(self, number: int, personal: str | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    preheader: str
    html: str
    text: str


def _for_part(part: str, language: str = "en") -> Environment:
    return environment(escape=part == "html", language=language)


def parse(source: str, part: str) -> nodes.Template:
    """The syntax tree. Raises RenderError, also for syntax that authors may not use."""
    _check_length(source, part)
    _check_size(source, part)
    try:
        tree = _for_part(part).parse(readable(source))
        for node in tree.find_all(nodes.Node):
            _check(node, part)
        for call in tree.find_all(nodes.Call):
            _name_function(call)
    except TemplateSyntaxError as error:
        raise RenderError(part, error.lineno, error.message or "syntax error") from error
    except UNREADABLE as error:
        raise RenderError(part, 0, "this can't be read: too deeply nested or too large") from error
    return tree


def check_work(sources: Mapping[str, str]) -> None:
    """Raises RenderError if a mail, {part: source}, is too large to be processed. Call it before
    the mail is parsed."""
    for part, source in sources.items():
        _check_length(source, part)
    if sum(1 for _tag in TAG.finditer(sources.get("html", ""))) > MOST_ELEMENTS:
        raise RenderError("html", 0, f"it has more than {MOST_ELEMENTS} tags")


def _check_length(source: str, part: str) -> None:
    if len(source) > LONGEST_SOURCE:
        raise RenderError(part, 0, f"it is longer than {LONGEST_SOURCE} characters")


def _check_size(source: str, part: str) -> None:
    lengths = [end - begin for begin, end in jinja_spans(source)]
    if len(lengths) > MOST_TAGS:
        raise RenderError(part, 0, f"it has more than {MOST_TAGS} merge fields and statements")
    if sum(lengths) > LONGEST_TAGS:
        raise RenderError(part, 0, "its merge fields and statements are too long")


def _check(node: nodes.Node, part: str) -> None:
    if what := FORBIDDEN.get(type(node)):  # type: ignore[arg-type]
        raise RenderError(part, node.lineno, f"{what} are not allowed here")
    if isinstance(node, nodes.Call) and not (
        isinstance(node.node, nodes.Name) and node.node.name in CALLED
    ):
        raise RenderError(
            part, node.lineno, "functions can't be called here; use a filter such as |upper"
        )
    if isinstance(node, nodes.For) and node.recursive:
        raise RenderError(part, node.lineno, "recursive loops are not allowed here")
    _check_names(node, part)


def _check_names(node: nodes.Node, part: str) -> None:
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise RenderError(part, node.lineno, f"there is no filter named {node.name}")
    if isinstance(node, nodes.Test) and node.name not in _for_part(part).tests:
        raise RenderError(part, node.lineno, f"there is no test named {node.name}")
    if isinstance(node, nodes.Name) and (
        (node.ctx != "load" and node.name in CALLED) or node.name in CALLED.values()
    ):
        raise RenderError(part, node.lineno, f"the name {node.name} is taken")
    if isinstance(node, nodes.Const) and isinstance(node.value, int):
        if abs(node.value) > LARGEST_INT:
            raise RenderError(part, node.lineno, "a number grows too large")
    elif isinstance(node, nodes.Const) and len(str(node.value)) > LONGEST_LITERAL:
        raise RenderError(part, node.lineno, "a text in quotes is too long")


def _name_function(call: nodes.Call) -> None:
    """Renames a called function to a name that authors can't write, so that an attribute of the
    contact may have the function's name."""
    if isinstance(call.node, nodes.Name) and call.node.name in CALLED:
        call.node.name = CALLED[call.node.name]


def fields_used(source: str, part: str) -> set[str]:
    """The merge fields that a part uses: names that it doesn't define. Raises RenderError."""
    return names_from_outside(parse(source, part))


def names_from_outside(tree: nodes.Template) -> set[str]:
    return find_undeclared_variables(tree) - set(CALLED.values())


class CompiledPart:
    """One compiled part. `render` may be called from any thread."""

    def __init__(self, source: str | nodes.Template, part: str, language: str = "en") -> None:
        """`source`: text, or a tree of `parse`."""
        self.part = part
        ours = _for_part(part, language)
        tree = parse(source, part) if isinstance(source, str) else source
        try:
            code = ours.compile(bound(tree), name=part, filename="<part>")
        except TemplateSyntaxError as error:
            raise RenderError(part, error.lineno, error.message or "syntax error") from error
        # Python raises SyntaxError for more than 20 nested loops.
        except (TemplateError, *UNREADABLE) as error:
            raise RenderError(part, 0, "this can't be compiled: too deeply nested") from error
        self.template = Template.from_code(ours, code, ours.make_globals(None))

    def render(self, values: Mapping[str, Any]) -> str:
        try:
            with fuelled():
                return self._collect(values)
        # TimeUpError: the waiting time of a person is over. The part itself may be right.
        except (RenderError, TimeUpError):
            raise
        except (SecurityError, LimitError) as error:
            raise RenderError(self.part, self._line(error), str(error)) from error
        except UndefinedError as error:
            raise RenderError(self.part, self._line(error), error.message or "no value") from error
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            by_zero = isinstance(error, ZeroDivisionError)
            raise RenderError(self.part, self._line(error), words, by_zero=by_zero) from error

    def _collect(self, values: Mapping[str, Any]) -> str:
        pieces, length = [], 0
        context = self.template.new_context(dict(values))
        for piece in self.template.root_render_func(context):
            length += len(piece)
            if length > LONGEST_OUTPUT:
                raise LimitError(f"it grows over {LONGEST_OUTPUT} characters")
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
        sources = dict(zip(PARTS, (subject, preheader, html, text), strict=True))
        self.language = languages.of_mail(sources)
        self.parts = {
            name: CompiledPart(source, name, self.language) for name, source in sources.items()
        }

    def render(self, fields: Mapping[str, Any], urls: Urls) -> Rendered:
        """`fields`: the merge fields by name, with `workspace`. Raises RenderError."""
        values = {
            **fields,
            "unsubscribe_url": urls.unsubscribe,
            "preferences_url": urls.preferences,
            "view_url": urls.view,
            "open_pixel_url": urls.open_pixel,
            CALLED["track"]: tracker(urls, self.language),
        }
        preheader = one_line(self.parts["preheader"].render(values))
        return Rendered(
            subject=one_line(self.parts["subject"].render(values))[:LONGEST_SUBJECT].rstrip(" "),
            preheader=preheader,
            html=self.parts["html"].render(values | {"preheader": preheader}),
            text=self.parts["text"].render(values),
        )


def tracker(urls: Urls, language: str) -> Callable[..., str]:
    """The function `track` of a content. It takes the link's number and, for a personal link, its
    values."""

    def shown(one: Any) -> str:
        return as_text(one, language)

    def track(number: int, *values: Any, rest: str | None = None) -> str:
        said, other = personal.leads(values, rest, shown) if values else (None, None)
        if other is not None:
            return other
        return urls.click(number) if said is None else urls.click(number, said)

    return track
