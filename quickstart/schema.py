"""Whether the database has every migration, found out without starting Django (a second saved)."""

import hashlib
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent


def ours() -> set[tuple[str, str]]:
    """App and name of every migration in this checkout."""
    files = ROOT.glob("*/migrations/[0-9]*.py")
    return {(path.parent.parent.name, path.stem) for path in files}


def is_current(url: str, note: Path) -> bool:
    """True if `migrate` has nothing to do: the migrations of ours are in the database, and those of
    the packages were run with these versions (`note`, written by `mark_current`)."""
    try:
        if note.read_text() != _packages():
            return False
        with psycopg.connect(url) as database:
            rows = database.execute("SELECT app, name FROM django_migrations").fetchall()
    except (FileNotFoundError, psycopg.Error):
        return False
    return ours() <= {(str(app), str(name)) for app, name in rows}


def mark_current(note: Path) -> None:
    note.write_text(_packages())


def _packages() -> str:
    return hashlib.sha256((ROOT / "requirements" / "runtime.txt").read_bytes()).hexdigest()
