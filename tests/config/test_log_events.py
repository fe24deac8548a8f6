"""docs/operators/logs.md lists every line that the log can have, with its level and its fields."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from config.settings import OURS
from environment import logs

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/operators/logs.md"
# Method of environment.logs.Log: level.
LEVELS = {
    "debug": "DEBUG",
    "info": "INFO",
    "warning": "WARNING",
    "error": "ERROR",
    "exception": "ERROR",
    "failed": "ERROR",
}
ROW = re.compile(r"^\| ([^|]+) \| (DEBUG|INFO|WARNING|ERROR) \|([^|]*)\|", re.MULTILINE)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Events = dict[str, tuple[str, frozenset[str]]]


@cache
def sources() -> list[tuple[Path, ast.Module]]:
    paths = [path for app in OURS for path in sorted((ROOT / app).rglob("*.py"))]
    return [(path, ast.parse(path.read_text())) for path in paths]


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call, ast.AST]]:
    """(level, call, function that it stands in) of each line that is written."""
    functions = [one for one in ast.walk(tree) if isinstance(one, Function)]
    for function in functions:
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            whose = ast.unparse(node.func.value)
            if whose in {"log", "log.committed"} and node.func.attr in LEVELS:
                yield LEVELS[node.func.attr], node, function
            elif ast.unparse(node.func) == "logs.rewrite":
                # Of another's record, which has its level.
                yield "", ast.Call(node.func, node.args[1:], node.keywords), function


def fields(call: ast.Call, function: ast.AST, tree: ast.Module) -> Iterator[str]:
    for one in call.keywords:
        if one.arg is not None:
            yield one.arg
        else:
            yield from names(one.value, function, tree)


def names(value: ast.expr, function: ast.AST, tree: ast.Module) -> Iterator[str]:
    """The keys of a mapping that stands after "**": a literal, one made from a tuple of the module,
    a variable of the function, or what another function returns."""
    match value:
        case ast.Dict():
            yield from (str(ast.literal_eval(key)) for key in value.keys if key is not None)
        case ast.DictComp():
            yield from ast.literal_eval(assigned(ast.unparse(value.generators[0].iter), tree))
        case ast.Name():
            yield from names(assigned(value.id, function), function, tree)
        case ast.Call():
            place, _dot, name = ast.unparse(value.func).rpartition(".")
            home = place or imported_from(name, tree)
            trees = [one for path, one in sources() if path.stem == home] or [tree]
            (made,) = [
                node
                for one in trees
                for node in ast.walk(one)
                if isinstance(node, ast.FunctionDef) and node.name == name
            ]
            (last,) = [node for node in made.body if isinstance(node, ast.Return)]
            assert last.value is not None
            yield from names(last.value, made, tree)
        case _:
            raise AssertionError(ast.unparse(value))


def imported_from(name: str, tree: ast.Module) -> str:
    """The last part of the module's name; empty where the name is the module's own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and name in {one.name for one in node.names}:
            return str(node.module).rpartition(".")[2]
    return ""


def assigned(name: str, where: ast.AST) -> ast.expr:
    (found,) = [
        node.value
        for node in ast.walk(where)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return found


def written() -> Events:
    found: Events = {}
    for path, tree in sources():
        for level, call, function in calls(tree):
            where = f"{path.relative_to(ROOT)}:{call.args[0].lineno}"
            # Raises where they are no constant.
            words = str(ast.literal_eval(call.args[0]))
            assert "%" not in words, where
            own = frozenset(fields(call, function, tree))
            assert not own & set(logs.KEYS), where
            before = found.get(words, (level, frozenset()))
            assert before[0] == level, f"{where}: {words} has two levels"
            found[words] = level, own | before[1]
    return found


def listed() -> Events:
    return {
        words.strip(): (level, frozenset(re.findall(r"`(\w+)`", names)))
        for words, level, names in ROW.findall(PAGE.read_text())
    }


def test_the_page_lists_what_is_written() -> None:
    code, page = written(), listed()
    assert len(code) > 60
    assert page.keys() == code.keys()
    for words, (level, own) in code.items():
        assert (level or page[words][0], own) == page[words], words


def test_nobody_writes_to_the_log_in_another_way() -> None:
    """Filters of the records of others aside."""
    for path, tree in sources():
        if path.name == "logs.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "logging.getLogger":
                assert path.name == "outages.py", path


@pytest.mark.parametrize("name", ["relay", "mailing", "batch", "worker", "workspace"])
def test_the_page_explains_the_fields_that_lines_share(name: str) -> None:
    assert f"| `{name}` |" in PAGE.read_text()
