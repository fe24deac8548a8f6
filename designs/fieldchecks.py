"""Finds problems with the merge fields of a part. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from jinja2 import nodes

from contacts.mergenames import CALLED, OBJECTS, OF_MAIL
from contacts.valuekinds import CALCULATION, DATE, HOST, LINK
from designs import linkuses
from designs.fielduses import FieldUse, Use, uses
from designs.filters import filters
from designs.fuel import LimitError, fuelled, in_time
from designs.problems import ERROR, WARNING, DesignProblem
from designs.rendering import RenderError, names_from_outside, parse
from designs.sandbox import OF_LOOP, environment
from designs.trials import TrialFailure
from designs.wording import said

# {filter: a sample value to try it with}. The other filters take text.
SAMPLES: dict[str, Any] = {
    **dict.fromkeys(("join", "first", "last"), ("x",)),
    **dict.fromkeys(("number", "round", "abs", "int", "float"), 1),
    "date": date(2024, 1, 2),
}
# Names that every mail has, besides the contact's fields.
GIVEN = frozenset(OF_MAIL)


@dataclass(frozen=True, slots=True)
class KnownFields:
    """Facts about the merge fields: those that exist, the number of recipients with an empty value,
    and the number with a value that is no number, date or address, with one such value."""

    fields: frozenset[str]
    missing: Mapping[str, int]
    unfit: Mapping[Use, tuple[int, str]]
    failing: Sequence[TrialFailure] = ()


def check_fields(part: str, words: str, known: KnownFields) -> list[DesignProblem]:
    try:
        tree = parse(words, part)
        used = names_from_outside(tree)
    except RenderError as error:
        return [DesignProblem("syntax", ERROR, part, error.line, said(error.message))]
    with fuelled():
        problems = [*_check_printed(tree, part, known.fields), *_check_brackets(tree, part)]
    objects = set(OBJECTS) - known.fields
    lines = _lines(tree)
    for name in sorted(used - GIVEN - objects):
        in_time()
        line = lines.get(name, 0)
        if name not in known.fields:
            text = _("There is no merge field named %(name)s.") % {"name": name}
            problems.append(DesignProblem("unknown_field", ERROR, part, line, text))
        elif known.missing.get(name) and not _has_default(tree, name):
            text = ngettext(
                "%(count)d recipient has no %(name)s, and there is no default.",
                "%(count)d recipients have no %(name)s, and there is no default.",
                known.missing[name],
            ) % {"count": known.missing[name], "name": name}
            problems.append(DesignProblem("no_default", WARNING, part, line, text))
    used_values = [*uses(tree), *(linkuses.uses(words) if part == "html" else ())]
    stops = {
        use.line
        for use in used_values
        if use.kind == CALCULATION and (use.field, use.kind) in known.unfit
    }
    failing = [one for one in known.failing if one.part == part]
    return [
        *problems,
        *_check_values(used_values, part, known.unfit),
        *_check_failing(failing, stops),
    ]


def _check_brackets(tree: nodes.Template, part: str) -> Iterator[DesignProblem]:
    """Arguments that a filter or range() can't take. They would fail the mail for everybody."""
    known = filters("en")
    for one in tree.find_all(nodes.Filter):
        if not _works(known[one.name], one, SAMPLES.get(one.name, "x")):
            text = _("The arguments of the filter %(name)s don't fit it.")
            words = text % {"name": one.name}
            yield DesignProblem("bad_arguments", ERROR, part, one.lineno, words)
    for call in tree.find_all(nodes.Call):
        if _is_range(call) and not _works(environment(escape=False).globals[CALLED["range"]], call):
            text = _("range() needs one to three whole numbers.")
            yield DesignProblem("bad_arguments", ERROR, part, call.lineno, text)


def _works(function: Any, called: nodes.Filter | nodes.Call, *values: Any) -> bool:
    """Whether the function takes these arguments. Arguments that depend on a person count as
    right."""
    try:
        given = [one.as_const() for one in called.args]
        named = {str(one.key): one.value.as_const() for one in called.kwargs}
    except nodes.Impossible:
        return True
    try:
        function(*values, *given, **named)
    except LimitError:
        return True
    except Exception:  # noqa: BLE001 - any error of Python about wrong arguments
        return False
    return True


def _check_values(
    used: Iterable[FieldUse], part: str, unfit: Mapping[Use, tuple[int, str]]
) -> Iterator[DesignProblem]:
    """Warnings about recipients whose value is no number, date or address where one is needed."""
    told: set[tuple[str, str]] = set()
    for use in used:
        count, sample = unfit.get((use.field, use.kind), (0, ""))
        effect = use.filter if use.filter in {"int", "float"} else use.kind
        if not count or (use.field, effect) in told:
            continue
        told.add((use.field, effect))
        words = {"count": count, "name": use.field, "sample": sample}
        yield DesignProblem(
            "unfit_value", WARNING, part, use.line, _unfit_text(effect, count) % words
        )


def _check_failing(
    failing: Iterable[TrialFailure], stops: Collection[int]
) -> Iterator[DesignProblem]:
    """Warnings about recipients whose mail can't be rendered. `stops`: lines with a warning about
    text in a calculation already."""
    for one in failing:
        if one.line in stops and not one.by_zero:
            continue
        shown = _("at least %(count)d") % {"count": one.count} if one.partly else str(one.count)
        words = {"shown": shown, "sample": one.email}
        text = _zero_text(one.count) if one.by_zero else _failing_text(one.count)
        yield DesignProblem("fails_for_some", WARNING, one.part, one.line, text % words)


def _zero_text(count: int) -> str:
    return ngettext(
        "This divides by zero for %(shown)s recipient, %(sample)s, who would not get the mail.",
        "This divides by zero for %(shown)s recipients, such as %(sample)s, who would not get the "
        "mail.",
        count,
    )


def _failing_text(count: int) -> str:
    return ngettext(
        "This does not work with the values of %(shown)s recipient, %(sample)s, who would not get "
        "the mail. Handle such values with if, default or float.",
        "This does not work with the values of %(shown)s recipients, such as %(sample)s, who would "
        "not get the mail. Handle such values with if, default or float.",
        count,
    )


def _unfit_text(effect: str, count: int) -> str:
    if effect == DATE:
        return ngettext(
            "%(count)d recipient has a value in %(name)s that is not a date, such as “%(sample)s”. "
            "The mail shows it as it is written.",
            "%(count)d recipients have a value in %(name)s that is not a date, such as "
            "“%(sample)s”. The mail shows it as it is written.",
            count,
        )
    if effect == LINK:
        return ngettext(
            "%(count)d recipient has a value in %(name)s that is not an address, such as "
            "“%(sample)s”. The link would not work.",
            "%(count)d recipients have a value in %(name)s that is not an address, such as "
            "“%(sample)s”. The link would not work.",
            count,
        )
    if effect == HOST:
        return ngettext(
            "%(count)d recipient has a value in %(name)s, such as “%(sample)s”, that can’t stand "
            "in the name of a website. The link would not work.",
            "%(count)d recipients have a value in %(name)s, such as “%(sample)s”, that can’t stand "
            "in the name of a website. The link would not work.",
            count,
        )
    if effect == CALCULATION:
        return ngettext(
            "%(count)d recipient has text in %(name)s, such as “%(sample)s”, and would not get the "
            "mail, because a number is needed here. Write %(name)s|float.",
            "%(count)d recipients have text in %(name)s, such as “%(sample)s”, and would not get "
            "the mail, because a number is needed here. Write %(name)s|float.",
            count,
        )
    if effect in {"int", "float"}:
        return ngettext(
            "%(count)d recipient has a value in %(name)s that is not a number, such as "
            "“%(sample)s”. It counts as 0.",
            "%(count)d recipients have a value in %(name)s that is not a number, such as "
            "“%(sample)s”. It counts as 0.",
            count,
        )
    return ngettext(
        "%(count)d recipient has a value in %(name)s that is not a number, such as “%(sample)s”. "
        "The mail shows it as it is written.",
        "%(count)d recipients have a value in %(name)s that is not a number, such as "
        "“%(sample)s”. The mail shows it as it is written.",
        count,
    )


def _lines(tree: nodes.Template) -> dict[str, int]:
    """{name: the first line that uses it}."""
    lines: dict[str, int] = {}
    for one in tree.find_all(nodes.Name):
        lines[one.name] = min(one.lineno, lines.get(one.name, one.lineno))
    return lines


def _has_default(tree: nodes.Template, name: str) -> bool:
    """Whether every use of the field is inside a default filter or a condition on the field."""
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


def _check_printed(
    tree: nodes.Template, part: str, fields: frozenset[str]
) -> Iterator[DesignProblem]:
    """Errors for printed objects that aren't values: the workspace, a list, or a loop."""
    for output in tree.find_all(nodes.Output):
        whole = {id(got.node) for got in output.find_all(nodes.Getattr)}
        whole |= {id(got.node) for got in output.find_all(nodes.Getitem)}
        for name in output.find_all(nodes.Name):
            if id(name) not in whole and name.name not in fields:
                yield from _no_value(name.name, part, name.lineno)
        for got in output.find_all(nodes.Getattr):
            of_loop = isinstance(got.node, nodes.Name) and got.node.name == "loop"
            if of_loop and got.attr not in OF_LOOP:
                yield from _no_value(f"loop.{got.attr}", part, got.lineno)
        for one in output.nodes:
            if isinstance(one, nodes.List | nodes.Tuple | nodes.Dict) or _is_range(one):
                text = _("A list can't be shown; use |join.")
                yield DesignProblem("not_text", ERROR, part, one.lineno, text)


def _no_value(name: str, part: str, line: int) -> Iterator[DesignProblem]:
    if name == "workspace":
        text = _(
            "“workspace” can't be shown as a whole. Write {{ workspace.name }} or "
            "{{ workspace.address }}."
        )
        yield DesignProblem("not_text", ERROR, part, line, text)
    elif name.partition(".")[0] in OBJECTS:
        text = _("“%(name)s” is not a merge field; a mail can't show it.") % {"name": name}
        yield DesignProblem("not_text", ERROR, part, line, text)


def _is_range(node: nodes.Node) -> bool:
    called = node.node if isinstance(node, nodes.Call) else None
    return isinstance(called, nodes.Name) and called.name == CALLED["range"]
