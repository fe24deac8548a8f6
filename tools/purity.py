"""The contract for pure modules, for import-linter ([tool.importlinter] in pyproject.toml).

A module is pure if its docstring says "Pure"; of a package that says so, all modules are. Pure
modules import nothing, themselves or by way of other modules of ours, that knows tables, queues or
settings. Import-linter's own contracts know Django only as a whole.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

PURE = re.compile(r"\bPure\b")
# As an import statement names them.
FORBIDDEN = re.compile(
    r"(?:from|import) (?:celery|psycopg|psycopg_pool|django\.(?:db|conf|apps))\b"
    r"|from django import .*\b(?:db|conf|apps)\b"
)


class PureContract(Contract):
    """No options: which modules are pure is in their docstrings."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        wrong = list(violations(graph, pure_modules(graph.modules, Path.cwd())))
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["wrong"]:
            output.print_error(line)
            output.new_line()


def pure_modules(modules: Iterable[str], root: Path) -> set[str]:
    """Those of ours that say so, or stand in a package that does."""
    ours = {name: path for name in modules if (path := _path(name, root))}
    said = {name for name, path in ours.items() if says_pure(path.read_text(encoding="utf-8"))}
    return {name for name in ours if said & {name, *_packages(name)}}


def says_pure(source: str) -> bool:
    return bool(PURE.search(ast.get_docstring(ast.parse(source)) or ""))


def violations(graph: ImportGraph, pure: Iterable[str]) -> Iterator[str]:
    """A line for each pure module that reaches what it must not: the way there."""
    bad = dict(_forbidden(graph))
    for module in sorted(pure):
        reached = {module, *graph.find_upstream_modules(module)} & bad.keys()
        for importer in sorted(reached):
            way = [module]
            if importer != module:
                way = list(graph.find_shortest_chain(module, importer) or way)
            yield f"{' -> '.join(way)}: {bad[importer]}"


def _forbidden(graph: ImportGraph) -> Iterator[tuple[str, str]]:
    """(module of ours, what it may not import or be). A module of models is one that a pure module
    may not reach, whatever it imports."""
    for importer in graph.modules:
        if graph.is_module_squashed(importer):
            continue  # it is none of ours
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
    """The packages that a module stands in, from the inside out."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
