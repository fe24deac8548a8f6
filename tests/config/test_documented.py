"""Every setting is documented, in .env.example and in the operators' guide; and nothing else is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
READ = re.compile(
    r"(?:readers|settings)\.(?:text|boolean|integer|words|choice|database|broker|mail_server|ehlo_name|networks)\(\s*\"([A-Z_]+)\""
)
SOURCES = (
    "config/settings.py",
    "environment/loading.py",
    "environment/logs.py",
    "quickstart/additions.py",
    "quickstart/supervisor.py",
)


def read() -> set[str]:
    return {name for path in SOURCES for name in READ.findall((ROOT / path).read_text())}


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        (".env.example", r"^#?([A-Z][A-Z_]+)="),
        ("docs/operators/settings.md", r"(?<=[|,] )`([A-Z][A-Z_]+)`(?=[ ,|])"),
    ],
)
def test_documented(path: str, pattern: str) -> None:
    documented = set(re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE))
    assert documented == read()
    assert {"YANSHU_SECRET_KEY", "DATABASE_URL", "PORT"} <= documented
