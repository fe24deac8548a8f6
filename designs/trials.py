"""Tries expressions that work for some people and fail for others: `1 / points`. Pure.

The source alone doesn't tell whether such an expression fails: `{% if points %}{{ 1 / points }}` is
right for everybody. So it is tried with the recipients' values before anything is sent. Expressions
that can't fail are left out, to save time.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from contacts.mergenames import OF_MAIL
from designs.fuel import TimeUpError, in_time, within
from designs.language import of_mail
from designs.rendering import PARTS, CompiledPart, RenderError, names_from_outside, parse

# Nodes that accept any value. All others may fail: operators, orderings, slices, tests, loops.
SAFE_NODES = (
    nodes.Name,
    nodes.Const,
    nodes.TemplateData,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Getattr,
    nodes.Operand,
    nodes.Keyword,
)
# Filters that can't fail if their arguments are constants.
SAFE_FILTERS = frozenset(
    "default d upper lower title capitalize trim link urlencode number date int float round abs "
    "length escape e replace truncate".split()
)
SAFE_TESTS = frozenset("defined undefined none string number boolean".split())
# Seconds for all recipients together.
LONGEST = 5.0
EQUALITY = {"eq", "ne"}


@dataclass(frozen=True, slots=True)
class TrialFailure:
    """An error that keeps the mail from some people: a division `by_zero`, or another one. `email`:
    one of them. `partly`: not all values were tried, so more people may be affected."""

    part: str
    line: int
    by_zero: bool
    count: int
    email: str
    partly: bool


class MailTrial:
    """The parts of a mail that may fail for some people, compiled."""

    def __init__(self, sources: Mapping[str, str], known: Collection[str]) -> None:
        """`known`: the existing merge fields. An unknown field is reported elsewhere."""
        self.sources = dict(sources)
        self.parts: list[CompiledPart] = []
        self.fields: set[str] = set()
        language = of_mail(sources)
        for part in PARTS:
            try:
                tree = parse(sources[part], part)
                tree.body = list(_reduced(tree.body))
                if any(map(_may_fail, tree.body)):
                    self.fields |= names_from_outside(tree) & set(known)
                    self.parts.append(CompiledPart(tree, part, language))
            # Reported as a syntax error elsewhere.
            except RenderError:
                continue

    def failures(
        self, people: Iterable[tuple[Mapping[str, Any], int]], *, partly: bool
    ) -> list[TrialFailure]:
        """`people`: (merge fields of a person, number of people with the same values). After
        LONGEST seconds it stops, and marks the results as `partly`."""
        found: dict[tuple[str, int, bool], tuple[int, str]] = {}
        try:
            with within(LONGEST):
                for values, count in people:
                    in_time()
                    for error in self._errors(values):
                        key = (error.part, error.line, error.by_zero)
                        before, email = found.get(key, (0, str(values["email"])))
                        found[key] = (before + count, email)
        except TimeUpError:
            partly = True
        return [
            TrialFailure(part, line, by_zero, count, email, partly)
            for (part, line, by_zero), (count, email) in found.items()
        ]

    def _errors(self, values: Mapping[str, Any]) -> Iterator[RenderError]:
        given = {**dict.fromkeys(OF_MAIL, ""), "workspace": {}, **values}
        for part in self.parts:
            try:
                part.render(given)
            except RenderError as error:
                yield error


def _reduced(body: Iterable[nodes.Node]) -> Iterator[nodes.Node]:
    """The statements without expressions that can't fail. Assignments stay, because others depend
    on them."""
    for node in body:
        # An `elif` stays even if it can't fail, because it decides which branch runs.
        for inner in (node, *getattr(node, "elif_", ())):
            for name in ("body", "else_"):
                if hasattr(inner, name):
                    setattr(inner, name, list(_reduced(getattr(inner, name))))
        if isinstance(node, nodes.Output):
            node.nodes = [one for one in node.nodes if _may_fail(one)]
        if isinstance(node, nodes.Assign) or _may_fail(node):
            yield node


def _may_fail(node: nodes.Node) -> bool:
    return _alone_may_fail(node) or any(map(_may_fail, node.iter_child_nodes()))


def _alone_may_fail(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Compare):
        return any(one.op not in EQUALITY for one in node.ops)
    if isinstance(node, nodes.Filter):
        others = [*node.args, *(pair.value for pair in node.kwargs)]
        written = all(isinstance(one, nodes.Const) for one in others)
        return not (node.name in SAFE_FILTERS and written)
    if isinstance(node, nodes.Test):
        return node.name not in SAFE_TESTS
    if isinstance(node, nodes.Call):
        return not all(isinstance(one, nodes.Const) for one in node.args)
    if isinstance(node, nodes.List | nodes.Tuple | nodes.Dict | nodes.Pair):
        return False
    return isinstance(node, nodes.Expr) and not isinstance(node, SAFE_NODES)
