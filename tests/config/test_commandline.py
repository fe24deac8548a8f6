"""Commands end with a sentence where the database can't be used."""

import os
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from tests.config.test_serve import ROOT

COMMANDS = (("setup_link",), ("campaign", "list"), ("campaign", "pause-all"), ("fence",))


def run(url: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "manage.py", *command),
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def empty(django_db_setup: None) -> Iterator[str]:
    """A database without tables."""
    server = os.environ["DATABASE_URL"]
    name = f"empty_{uuid4().hex[:12]}"
    path, question, query = server.partition("?")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield f"{path.rpartition('/')[0]}/{name}{question}{query}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_database_without_tables(empty: str, command: tuple[str, ...]) -> None:
    done = run(empty, *command)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("This command can't be run: the database has no tables yet. Run ")
    assert "manage.py migrate" in line


@pytest.mark.slow
@pytest.mark.parametrize("command", [*COMMANDS, ("migrate",)], ids=" ".join)
def test_a_database_that_is_away(command: tuple[str, ...]) -> None:
    done = run("postgresql://me:secret-word@127.0.0.1:1/none", *command)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("This command can't be run: the database can't be used: ")
    assert line.endswith(" Start it, or correct DATABASE_URL.")
    assert "Connection refused" in line
    assert "secret-word" not in line


def test_the_error_itself_is_shown_on_demand() -> None:
    done = run("postgresql://me@127.0.0.1:1/none", "fence", "--traceback")
    assert "Traceback" in done.stderr
