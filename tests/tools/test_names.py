"""Docs, docstrings and comments name modules and files that exist."""

import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# `app.module` and what stands in it, as deep as it is named; with the app left out, too.
INNER = ("services", "queries", "engine", "host", "compose", "views")
# What looks like a module of ours and isn't: files, and names of hosts.
OTHER = re.compile(r"\.(?:md|toml|js|jsonl|html|css|py|com|org|net|example)$")
FILE = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|toml|md|js|css|html|sql))\b")


@cache
def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def apps() -> list[str]:
    return sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


def texts(path: str) -> Iterator[tuple[int, str]]:
    """(line, text) of what is written for people."""
    source = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".md"):
        yield from enumerate(source.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        doc = token.type == tokenize.STRING and token.string.startswith('"""')
        if doc or token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def exists(name: str, root: Path = ROOT) -> bool:
    """Whether a module of that name stands below `root` and has in it what is named."""
    first, _, rest = name.partition(".")
    if (root / first).is_dir():
        return not rest or exists(rest, root / first) or has(root / first / "__init__.py", rest)
    return has(root / f"{first}.py", rest)


def has(module: Path, name: str) -> bool:
    if not module.is_file():
        return False
    first = name.partition(".")[0]
    return not first or bool(re.search(rf"\b{first}\b", module.read_text(encoding="utf-8")))


def wrong_names(line: str, path: str) -> list[str]:
    named = re.findall(rf"(?<![\w./@-])((?:{'|'.join((*apps(), *INNER))})(?:\.\w+)+)", line)
    homes = [ROOT / app for app in apps()]
    if not path.endswith(".md"):  # a docstring means its own app
        homes = [ROOT / path.split("/", 1)[0]]
    return [
        name
        for name in named
        if not OTHER.search(name)
        and not exists(name)
        and not (name.startswith(INNER) and any(exists(name, home) for home in homes))
    ]


@pytest.mark.slow
def test_modules_exist() -> None:
    wrong = [
        f"{path}:{number}: {name}"
        for path in tracked("*.md", "*.py")
        if not path.startswith(("CHANGELOG", "tests/"))
        for number, text in texts(path)
        for name in wrong_names(text, path)
    ]
    assert not wrong, "\n".join(wrong)


def test_files_exist() -> None:
    wrong = [
        f"{path}:{number}: {name}"
        for path in tracked("*.md")
        if not path.startswith("CHANGELOG")
        for number, text in texts(path)
        for name in FILE.findall(text)
        if not any((home / name).exists() for home in (ROOT, ROOT / "templates"))
    ]
    assert not wrong, "\n".join(wrong)


def test_what_is_gone_is_found() -> None:
    assert wrong_names("see contacts.nothere.", "README.md") == ["contacts.nothere"]
    assert wrong_names("see `services.nothere` and `contacts.models.Nobody`", "README.md") == [
        "services.nothere",
        "contacts.models.Nobody",
    ]
    assert not wrong_names("`contacts.models.Contact`, `services.imports`", "README.md")
