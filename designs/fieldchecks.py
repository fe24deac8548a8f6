"""What is wrong or unwise about the merge fields of a part. Pure."""

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from jinja2 import nodes

from contacts.mergenames import CALLED, OBJECTS, OF_MAIL
from designs.problems import ERROR, WARNING, Problem
from designs.rendering import RenderError, names_from_outside, parse
from designs.sandbox import OF_LOOP
from designs.wording import said

# Always there, besides the contact's fields.
GIVEN = frozenset(OF_MAIL)


def check_fields(
    part: str, words: str, fields: set[str], missing: Mapping[str, int]
) -> list[Problem]:
    try:
        tree = parse(words, part)
        used = names_from_outside(tree)
    except RenderError as error:
        return [Problem("syntax", ERROR, part, error.line, said(error.message))]
    problems = list(_check_printed(tree, part, fields))
    objects = set(OBJECTS) - fields
    for name in sorted(used - GIVEN - objects):
        line = _line_of(tree, name)
        if name not in fields:
            text = _("There is no merge field named %(name)s.") % {"name": name}
            problems.append(Problem("unknown_field", ERROR, part, line, text))
        elif missing.get(name) and not _has_default(tree, name):
            text = ngettext(
                "%(count)d recipient has no %(name)s, and there is no default.",
                "%(count)d recipients have no %(name)s, and there is no default.",
                missing[name],
            ) % {"count": missing[name], "name": name}
            problems.append(Problem("no_default", WARNING, part, line, text))
    return problems


def _line_of(tree: nodes.Template, name: str) -> int:
    return min((n.lineno for n in tree.find_all(nodes.Name) if n.name == name), default=0)


def _has_default(tree: nodes.Template, name: str) -> bool:
    """Whether every use of the field is in a default filter or behind a test of it."""
    safe: set[int] = set()
    for outer in tree.find_all((nodes.Filter, nodes.If, nodes.CondExpr)):
        if isinstance(outer, nodes.Filter):
            sheltered = outer.name in {"default", "d"}
        else:
            sheltered = isinstance(outer, nodes.If | nodes.CondExpr) and name in _names(outer.test)
        if sheltered:
            safe |= {id(inner) for inner in outer.find_all(nodes.Name)}
    return all(id(n) in safe for n in tree.find_all(nodes.Name) if n.name == name)


def _names(node: nodes.Node) -> set[str]:
    own = {node.name} if isinstance(node, nodes.Name) else set()
    return own | {inner.name for inner in node.find_all(nodes.Name)}


def _check_printed(tree: nodes.Template, part: str, fields: set[str]) -> Iterator[Problem]:
    """What is printed must be a value: not the sender as a whole, a list, or a loop."""
    for output in tree.find_all(nodes.Output):
        whole = {id(n.node) for n in output.find_all((nodes.Getattr, nodes.Getitem))}
        for name in output.find_all(nodes.Name):
            if name.name == "workspace" and id(name) not in whole:
                text = _("“workspace” holds several values; write {{ workspace.name }}.")
                yield Problem("not_text", ERROR, part, name.lineno, text)
            elif name.name in OBJECTS and name.name not in fields and id(name) not in whole:
                text = _("“%(name)s” is no value that a mail can show.") % {"name": name.name}
                yield Problem("not_text", ERROR, part, name.lineno, text)
        for one in output.find_all(nodes.Getattr):
            of_loop = isinstance(one.node, nodes.Name) and one.node.name == "loop"
            if of_loop and one.attr not in OF_LOOP:
                words = {"name": f"loop.{one.attr}"}
                text = _("“%(name)s” is no value that a mail can show.") % words
                yield Problem("not_text", ERROR, part, one.lineno, text)
        for one in output.nodes:
            if isinstance(one, nodes.List | nodes.Tuple | nodes.Dict) or _is_range(one):
                text = _("A list can't be shown; use |join.")
                yield Problem("not_text", ERROR, part, one.lineno, text)


def _is_range(node: nodes.Node) -> bool:
    called = node.node if isinstance(node, nodes.Call) else None
    return isinstance(called, nodes.Name) and called.name == CALLED["range"]
