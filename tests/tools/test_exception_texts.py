"""Nobody compares the text of an exception: what a program needs to know is an attribute."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEARCHES = {"startswith", "endswith", "find", "index", "count", "search", "match", "fullmatch"}


def _texts(tree: ast.AST, names: set[str]) -> Iterator[int]:
    """Lines that compare or search str(error), error.args, or an f-string of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(_is_text(side, names) for side in sides):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = [node.func.value, *node.args]
            if node.func.attr in SEARCHES and any(_is_text(one, names) for one in given):
                yield node.lineno


def _is_text(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_text(node.value, names)
    if isinstance(node, ast.Attribute):
        return node.attr == "args" and _is_error(node.value, names)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):  # str(error).lower()
            return _is_text(node.func.value, names)
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        return called in {"str", "repr"} and any(_is_error(one, names) for one in node.args)
    return False


def _is_error(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def compared(source: str) -> list[int]:
    tree = ast.parse(source)
    handlers = (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler))
    names = {handler.name for handler in handlers if handler.name}
    return sorted(_texts(tree, names))


def test_it_finds_them() -> None:
    assert compared("try: x()\nexcept E as e:\n if str(e) == 'email': y()") == [3]
    assert compared("try: x()\nexcept E as e:\n if 'a' in str(e).lower(): y()") == [3]
    assert compared("try: x()\nexcept E as e:\n z = re.search('a', str(e))") == [3]
    assert compared("try: x()\nexcept E as e:\n if e.args[0] == 1: y()") == [3]
    assert compared("try: x()\nexcept E as e:\n if e.code == 1: say(str(e))") == []


def test_no_app_compares_the_text_of_an_exception() -> None:
    apps = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests"}
    files = (path for app in apps for path in app.rglob("*.py"))
    found = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if (lines := compared(path.read_text(encoding="utf-8")))
    }
    assert not found
