"""Each module with logic has an obvious test file: of its name, in its app's folder. What is tested
elsewhere is in tests/modules.txt."""

import ast
import tomllib
from functools import cache
from pathlib import Path

from operations import schema

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = ROOT / "tests"
# Branches from which on a module has logic of its own; below, it is glue.
LOGIC = 12
BRANCHES = (
    *(ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.Match),
    *(ast.BoolOp, ast.comprehension),
)


@cache
def apps() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(project["tool"]["importlinter"]["root_packages"])


def branches(module: Path) -> int:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return sum(isinstance(node, BRANCHES) for node in ast.walk(tree))


@cache
def modules() -> dict[str, Path]:
    """Those with logic, by their path."""
    files = (file for app in apps() for file in (ROOT / app).rglob("*.py"))
    return {
        str(file.relative_to(ROOT)): file
        for file in files
        if "migrations" not in file.parts and branches(file) >= LOGIC
    }


@cache
def mirrored(name: str) -> bool:
    module = Path(name)
    stem = module.parent.name if module.stem == "__init__" else module.stem
    return any((TESTS / module.parts[0]).rglob(f"test_{stem}.py"))


def elsewhere() -> dict[str, list[str]]:
    lines = (TESTS / "modules.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(": ") for line in lines if not line.startswith("#"))
    return {module: tests.split() for module, tests in pairs}


def test_modules_are_found() -> None:
    """So that the tests below can't pass by finding none."""
    assert set(apps()) >= {app for app, _ in schema.ours()} | {"smtp", "environment"}
    assert {"contacts/addresses.py", "sending/queries/claim.py", "smtp/session.py"} <= set(
        modules()
    )
    assert mirrored("contacts/addresses.py")
    assert not mirrored("contacts/no_such_module.py")


def test_each_module_with_logic_has_a_test_file() -> None:
    without = {name for name in modules() if not mirrored(name)} - elsewhere().keys()
    assert not without, "write a test file of that name, or add it to tests/modules.txt"


def test_the_list_is_true() -> None:
    listed = elsewhere()
    assert not listed.keys() - modules().keys(), "gone, or without logic: take it off the list"
    assert not [name for name in listed if mirrored(name)], "has a file of its name: take it off"
    assert not [one for tests in listed.values() for one in tests if not (TESTS / one).is_file()]
