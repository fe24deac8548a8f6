"""Puts the values that are the same for all mails of a mailing into a part's syntax tree. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from jinja2 import nodes
from jinja2.visitor import NodeTransformer
from markupsafe import escape

from contacts.mergenames import CALLED

# A filter that authors can't use: the parser refuses its name.
SIGNED = "_signed"
# Names in the parts of a mail, besides the person's fields.
OURS = ("workspace", "unsubscribe_url", "preferences_url", "view_url", "open_pixel_url")


@dataclass(frozen=True, slots=True)
class Fixed:
    """The values that are the same for all mails of a mailing. Our URLs are (text before the token,
    text after it); the number of the link follows `click`."""

    workspace: Mapping[str, str]
    unsubscribe: tuple[str, str]
    preferences: tuple[str, str]
    view: tuple[str, str]
    click: tuple[str, str]
    # None: opens are not counted. One text: an URL without a token, the same in all mails.
    open_pixel: tuple[str, ...] | None
    # (number of the link, its personal part) -> the text after the number in the URL.
    sign: Callable[[int, str], str] = field(default=lambda *_: "")
    # Language of printed values.
    language: str = "en"

    def address(self, name: str) -> tuple[str, ...] | None:
        names: dict[str, tuple[str, ...] | None] = {
            "unsubscribe_url": self.unsubscribe,
            "preferences_url": self.preferences,
            "view_url": self.view,
        }
        return names.get(name, self.open_pixel)


def _token() -> nodes.InternalName:
    """A node for the place of the token in the output."""
    node = object.__new__(nodes.InternalName)  # as Jinja2's parser makes them
    nodes.Node.__init__(node, "token", lineno=0)
    return node


class Fixing(NodeTransformer):
    """Replaces our URLs by their text around the token, an InternalName "token"."""

    def __init__(self, fixed: Fixed, *, html: bool) -> None:
        self.fixed = fixed
        self.html = html

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802 - Jinja2's name
        self.generic_visit(node)
        node.nodes = [one for child in node.nodes for one in self._printed(child)]
        return node

    def _printed(self, child: nodes.Expr) -> Iterator[nodes.Expr]:
        before_after: tuple[str, ...] | None
        personal = None
        if isinstance(child, nodes.Name) and child.name.endswith("_url") and child.name in OURS:
            before_after = self.fixed.address(child.name)
            if before_after is None:
                return
        elif (number := _link(child)) is not None:
            before, after = self.fixed.click
            before_after = (before, f"{after}{number}")
        elif (personal := _personal(child)) is not None:
            before, after = self.fixed.click
            before_after = (before, f"{after}{personal[1].value}")
        else:
            yield child
            return
        for place, text in enumerate(before_after):
            if place:
                yield _token()
            yield nodes.TemplateData(escape(text) if self.html else text, lineno=child.lineno)
        if personal is not None:
            yield _signed(*personal)

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        known = self.fixed.workspace
        of_workspace = isinstance(node.node, nodes.Name) and node.node.name == "workspace"
        if of_workspace and node.attr in known:
            return nodes.Const(known[node.attr], lineno=node.lineno)
        return node

    def visit_If(self, node: nodes.If) -> nodes.If | list[nodes.Node]:  # noqa: N802
        """Decides `if open_pixel_url`: whether opens are counted is known at compile time."""
        self.generic_visit(node)
        about_opens = isinstance(node.test, nodes.Name) and node.test.name == "open_pixel_url"
        if not about_opens or node.elif_ or not all(_is_output(one) for one in node.body):
            return node
        return node.body if self.fixed.open_pixel else node.else_


def _is_output(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output)


def _link(node: nodes.Node) -> int | None:
    """The number in `track(number)`; None for another expression."""
    given = _given(node)
    return given[0].value if len(given) == 1 and _is_number(given[0]) else None  # type: ignore[attr-defined]


def _personal(node: nodes.Node) -> tuple[nodes.Expr, nodes.Const] | None:
    """The value and the number in `track(number, value)`; None for another expression."""
    given = _given(node)
    if len(given) == 2 and _is_number(given[0]):
        return given[1], given[0]  # type: ignore[return-value]
    return None


def _given(node: nodes.Node) -> list[nodes.Expr]:
    """The arguments of `track`; [] for another expression, or if an argument is named."""
    if (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == CALLED["track"]
        and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
    ):
        return node.args
    return []


def _is_number(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and type(node.value) is int


def _signed(value: nodes.Expr, number: nodes.Const) -> nodes.Filter:
    """The node for the text after the number of a personal link (designs.printing.signed)."""
    return nodes.Filter(value, SIGNED, [number], [], None, None, lineno=value.lineno)
