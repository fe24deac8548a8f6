"""What docs/operators and deploy/ run is what `manage.py up` runs."""

import re
from pathlib import Path

import pytest

from config import programs

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = ROOT / "docs/operators/several-hosts.md"
COMMAND = re.compile(r"(?:/opt/yanshu/\.venv/bin/)?(?:python )?((?:celery|manage\.py) .*)")
# Each host may have another number; quiet is for the supervisor.
OWN = {"-c", "--workers", "--port", "--host"}


def parsed(command: str) -> list[str]:
    """The words of a command that must be the same everywhere, in their order."""
    words, kept = iter(command.split()), []
    for word in words:
        if word in OWN:
            next(words)
        elif word != "-q":
            kept.append(word)
    return sorted(kept)


def ours() -> list[list[str]]:
    commands = programs.commands(host="127.0.0.1", port=8000, sandbox=False).values()
    return sorted(parsed(" ".join(_named(command))) for command in commands)


def _named(command: tuple[str, ...]) -> list[str]:
    """Without the interpreter, and the program without its directory."""
    words = list(command)
    if Path(words[0]).name.startswith("python"):
        del words[0]
    return [Path(words[0]).name, *words[1:]]


def test_the_guide_names_each_command() -> None:
    rows = re.findall(r"^\| \w+ \| `([^`]+)`", GUIDE.read_text(), re.MULTILINE)
    assert sorted(map(parsed, rows)) == ours()


@pytest.mark.parametrize("unit", ["yanshu-web", "yanshu-beat", "yanshu-worker@"])
def test_a_unit_runs_a_command_of_ours(unit: str) -> None:
    text = (ROOT / f"deploy/{unit}.service").read_text()
    found = COMMAND.search(text.replace("%%h", "%h").replace("%i", "send"))
    assert found
    assert parsed(found[1]) in ours()
