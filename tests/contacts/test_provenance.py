"""Where something came from, as a value and in two columns."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from contacts import provenance, sources
from contacts.models import Contact, ContactTag, Subscription, Suppression
from contacts.openconsentmodels import OpenConsentAnswer
from contacts.preferencemodels import PreferenceChoice
from contacts.provenance import BY_HAND, UNKNOWN, Source
from contacts.sourced import Sourced
from sending.models import Mailing

ROOT: Path = settings.ROOT


@pytest.mark.parametrize(
    ("source", "text"),
    [(Source("campaign", 7), "campaign 7"), (BY_HAND, "page"), (UNKNOWN, "")],
)
def test_a_source_is_a_kind_and_a_number(source: Source, text: str) -> None:
    assert str(source) == text
    assert bool(source) == bool(text)
    assert source.columns == {"source_kind": source.kind, "source_id": source.number}
    assert Source.from_json(source.as_json()) == source


def test_each_action_on_a_page_is_one_of_its_own() -> None:
    actions = {provenance.one_action() for _ in range(100)}
    assert len(actions) == 100
    assert {one.kind for one in actions} == {BY_HAND.kind}
    # By hand without a number is no action that undo finds.
    assert all(0 < one.number < 2**63 for one in actions)


def test_every_row_with_a_source_has_the_two_columns() -> None:
    found = {model for model in apps.get_models() if issubclass(model, Sourced)}
    kept = {Contact, ContactTag, Subscription, Suppression, Mailing}
    assert found == kept | {OpenConsentAnswer, PreferenceChoice}
    for model in found:
        assert not model._meta.get_field("source_id").null
        assert Source("", 0) == model(**Source("", 0).columns).source


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for app in apps.get_app_configs():
        path = Path(app.path)
        if path.is_relative_to(ROOT) and ".venv" not in path.parts:
            for file in sorted(path.rglob("*.py")):
                if "migrations" not in file.parts:
                    yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text())


def _texts(tree: ast.Module) -> Iterator[str]:
    """The strings of a module; a value within one is a 1."""
    parts = set()
    for node in ast.walk(tree):  # from the outside to the inside
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            yield node.value


def test_no_code_writes_or_reads_a_source_as_text() -> None:
    """Neither "import 12" nor "import " as a whole string, and no SQL that names one column."""
    kinds = "|".join(str(kind) for kind in sources.kinds.keys())  # noqa: SIM118 - a registry
    written = re.compile(rf"(?:{kinds}) (?:\d*|%s|job .*)")
    column = re.compile(r"\b(?:source|origin)\b\s*(?:=|<>|IN\b|LIKE\b|~)|starts_with\(\w*source")
    wrong = [
        (path, text)
        for path, tree in _modules()
        for text in _texts(tree)
        if written.fullmatch(text) or column.search(text)
    ]
    assert wrong == []
