"""The table of faults names tests that exist, and all of those here."""

import re

from tests.sending.engine.faults.workers import ROOT

PAGE = ROOT / "docs/developers/faults.md"
NAME = re.compile(r"`(test_\w+)`")
DEFINED = re.compile(r"^def (test_\w+)", re.MULTILINE)


def defined(*patterns: str) -> set[str]:
    files = [path for pattern in patterns for path in ROOT.glob(pattern)]
    return {name for path in files for name in DEFINED.findall(path.read_text())}


def test_each_fault_in_the_table_has_its_test() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 25
    named = {name for row in rows for name in NAME.findall(row)}
    assert named <= defined("tests/sending/engine/faults/test_*.py", "tests/stack/test_*.py")
    assert all(NAME.search(row) for row in rows)


def test_each_test_of_a_fault_is_in_the_table() -> None:
    here = defined("tests/sending/engine/faults/test_*.py", "tests/stack/test_faults.py")
    documented = {
        "test_each_fault_in_the_table_has_its_test",
        test_each_test_of_a_fault_is_in_the_table.__name__,
        "test_it_is_found",
    }
    assert here - documented <= set(NAME.findall(PAGE.read_text()))
