"""Checks whether the database has every migration, without starting Django (saves a second)."""

import hashlib
import sys
from collections.abc import Collection
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
# Seconds to wait for a database at a program's start.
PATIENCE = 5


def ours() -> set[tuple[str, str]]:
    """{(app, name)} of every migration in this checkout."""
    files = ROOT.glob("*/migrations/[0-9]*.py")
    return {(path.parent.parent.name, path.stem) for path in files}


# A migration that only databases from before the first release have. Their tables belong to apps
# that were reorganised since, and no migration updates them.
FORMER = ("quickstart", "0001_initial")
UNUSABLE = (
    "the database was made by an earlier state of Yanshu, from before its first release, which "
    "this version can't bring up to date. Go on with the version that made it, or begin with an "
    "empty database: name another one in DATABASE_URL, or another directory in YANSHU_VAR."
)


def applied(url: str) -> set[tuple[str, str]] | None:
    """{(app, name)} of every applied migration; None if the database did not answer."""
    try:
        with psycopg.connect(url, connect_timeout=PATIENCE) as database:
            rows = database.execute("SELECT app, name FROM django_migrations").fetchall()
    except psycopg.errors.UndefinedTable:
        return set()
    except psycopg.Error:
        return None
    return {(str(app), str(name)) for app, name in rows}


def unusable(known: Collection[tuple[str, str]]) -> str:
    """A sentence about a database that can't be used, by its migrations; "" if it can be used."""
    return UNUSABLE if FORMER in known else ""


def missing(url: str) -> int | None:
    """The number of migrations that the database lacks; None if it did not answer. It may have more
    than this version, because hosts are upgraded one after the other."""
    known = applied(url)
    return None if known is None else len(ours() - known)


def lack(url: str) -> str:
    """A sentence about missing migrations; "" if none is missing or the database did not answer."""
    if (known := applied(url)) is None:
        return ""
    if words := unusable(known):
        return words
    if not (lacking := len(ours() - known)):
        return ""
    are = f"{lacking} migrations of this version are" if lacking > 1 else "a migration is"
    every = lacking == len(ours())
    what = "the database has no tables yet" if every else f"{are} missing in the database"
    return f"{what}. Run `manage.py migrate`, once for all hosts."


def refuse_unmigrated(url: str) -> None:
    """Exits if migrations are missing. If the database doesn't answer, the program goes on and
    waits for it."""
    if words := lack(url):
        sys.exit(f"Yanshu can't start: {words}")


def is_current(url: str, note: Path) -> bool:
    """Whether `migrate` has nothing to do: the database has all our migrations, and those of the
    packages were run with the current versions (`note`, written by `mark_current`)."""
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
