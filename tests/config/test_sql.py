"""Raw SQL: where it stands, and whose tables it names."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOT: Path = settings.ROOT
LAYERS: list[str] = next(
    contract["layers"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    if contract["type"] == "layers"
)
# The apps from left to right.
ORDER = [app for layer in reversed(LAYERS) for app in re.split(r"\W+", layer) if app]
OWNERS = {model._meta.db_table: model._meta.app_label for model in apps.get_models()}
TABLE = re.compile(r"\b(" + "|".join(map(re.escape, OWNERS)) + r")\b")
SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE \w|DELETE FROM|WITH \w|LOCK TABLE|SET LOCAL)\b")
# Outside of `queries`: about no table of ours, or part of one look at the database as a whole.
ELSEWHERE = {
    "demo/history.py",
    "operations/doctor.py",
    "operations/health.py",
    "operations/schema.py",
    "quickstart/postgres.py",
    # An advisory lock.
    "accounts/services/setup.py",
    # Rules become SQL without a database; the conditions' own texts are in `queries`.
    "contacts/segments/compiling.py",
    "contacts/segments/indexed.py",
    "contacts/segments/predicates.py",
}


def modules() -> Iterator[tuple[str, str, list[str]]]:
    """(app, path, texts) of each module of ours."""
    for app in ORDER:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                tree = ast.parse(path.read_text())
                texts = [
                    node.value
                    for node in ast.walk(tree)
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                ]
                yield app, path.relative_to(ROOT).as_posix(), texts


def test_it_names_no_table_of_an_app_to_the_right() -> None:
    wrong = [
        (path, table)
        for app, path, texts in modules()
        for text in texts
        for table in TABLE.findall(text)
        if OWNERS[table] in ORDER and ORDER.index(OWNERS[table]) > ORDER.index(app)
    ]
    assert wrong == []


def test_it_stands_in_queries() -> None:
    found = {
        path
        for _, path, texts in modules()
        if "/queries/" not in path and any(SQL.match(text) for text in texts)
    }
    assert found - ELSEWHERE == set()
    assert found >= ELSEWHERE, "the list has more than there is"


@pytest.mark.parametrize("app", ["sending", "campaigns"])
def test_names_of_states_became_numbers(app: str) -> None:
    """`$ACCEPTED` is no SQL (sending.queries.states)."""
    for path in (ROOT / app / "queries").glob("*.py"):
        module = import_module(f"{app}.queries.{path.stem}")
        texts = [
            value
            for name, value in vars(module).items()
            if isinstance(value, str) and name != "__doc__"
        ]
        assert not [text for text in texts if re.search(r"\$[A-Z]", text)], path
