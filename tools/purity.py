"""The contract for pure modules, for import-linter ([tool.importlinter] in pyproject.toml).

A module is pure if its docstring says "Pure"; if a package says so, all its modules are. A pure
module doesn't import, directly or indirectly, a module that knows tables, queues or settings.
Import-linter's own contracts can only forbid Django as a whole.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

PURE = re.compile(r"\bPure\b")
# Import statements that pure modules must not reach.
FORBIDDEN = re.compile(
    r"(?:from|import) (?:celery|psycopg|psycopg_pool|django\.(?:db|conf|apps))\b"
    r"|from django import .*\b(?:db|conf|apps)\b"
)


class PureContract(Contract):
    """It has no options: the docstrings say which modules are pure."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        wrong = list(violations(graph, pure_modules(graph.modules, Path.cwd())))
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["wrong"]:
            output.print_error(line)
            output.new_line()


def pure_modules(modules: Iterable[str], root: Path) -> set[str]:
    """Our modules that say "Pure", or that are in a package that does."""
    ours = {name: path for name in modules if (path := _path(name, root))}
    said = {name for name, path in ours.items() if says_pure(path.read_text(encoding="utf-8"))}
    return {name for name in ours if said & {name, *_packages(name)}}


def says_pure(source: str) -> bool:
    return bool(PURE.search(ast.get_docstring(ast.parse(source)) or ""))


def violations(graph: ImportGraph, pure: Iterable[str]) -> Iterator[str]:
    """A line for each forbidden import that a pure module reaches, with the chain of imports."""
    bad = dict(_forbidden(graph))
    for module in sorted(pure):
        reached = {module, *graph.find_upstream_modules(module)} & bad.keys()
        for importer in sorted(reached):
            way = [module]
            if importer != module:
                way = list(graph.find_shortest_chain(module, importer) or way)
            yield f"{' -> '.join(way)}: {bad[importer]}"


def _forbidden(graph: ImportGraph) -> Iterator[tuple[str, str]]:
    """(our module, its forbidden import). A pure module may not reach a module of models either."""
    for importer in graph.modules:
        if graph.is_module_squashed(importer):
            continue  # a foreign package
        if "models" in importer.split("."):
            yield importer, "holds tables"
        for imported in graph.find_modules_directly_imported_by(importer):
            for detail in graph.get_import_details(importer=importer, imported=imported):
                if FORBIDDEN.search(detail["line_contents"]):
                    yield importer, detail["line_contents"]


def _path(name: str, root: Path) -> Path | None:
    whole = root.joinpath(*name.split("."))
    candidates = (whole.with_suffix(".py"), whole / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _packages(name: str) -> Iterator[str]:
    """The packages that contain a module, from the inside out."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
