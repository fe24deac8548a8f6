"""The contract for pure modules finds them by their docstrings, and what they must not know."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import grimp
import pytest

from tools import purity

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What is wrong in a package `shop` with these files."""
    monkeypatch.syspath_prepend(tmp_path)

    def find(**sources: str) -> list[str]:
        (tmp_path / "shop").mkdir()
        for name, source in {"__init__": "", **sources}.items():
            (tmp_path / "shop" / f"{name}.py").write_text(source)
        graph = grimp.build_graph("shop", include_external_packages=True, cache_dir=None)
        return list(purity.violations(graph, purity.pure_modules(graph.modules, tmp_path)))

    return find


@pytest.mark.parametrize(
    "line",
    [
        "from django.db import connection",
        "from django.db.models import Q",
        "from django.conf import settings",
        "import celery",
        "from psycopg import sql",
    ],
)
def test_a_pure_module_reaches_nothing_forbidden(
    found: Callable[..., list[str]], line: str
) -> None:
    pure = '"""Prices. Pure."""\nfrom shop import rows\n'
    assert found(prices=pure, rows=f"{line}\n") == [f"shop.prices -> shop.rows: {line}"]


def test_nor_tables(found: Callable[..., list[str]]) -> None:
    pure = '"""Prices. Pure."""\nfrom shop.models import Price\n'
    assert found(prices=pure, models="class Price: pass\n") == [
        "shop.prices -> shop.models: holds tables"
    ]


def test_words_for_readers_are_allowed_and_others_may_know_tables(
    found: Callable[..., list[str]],
) -> None:
    pure = '"""Prices. Pure."""\nfrom django.utils.translation import gettext\n'
    assert found(prices=pure, rows='"""Rows."""\nfrom django.db import connection\n') == []


def linted() -> set[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return set(config["root_packages"])


def test_every_package_of_the_product_is_linted() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert linted() == packages - {"tests", "tools", "benchmarks"}


def test_ours_are_found() -> None:
    """Also those of a package that says so."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for app in linted()
        for path in (ROOT / app).rglob("*.py")
    }
    pure = purity.pure_modules(modules, ROOT)
    assert {"contacts.addresses", "bounces.reading.verdict", "smtp.replies.ruleset"} <= pure
    assert len(pure) > 100
