"""What `manage.py doctor` says of each thing that it looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    # It was not looked at; the text says why.
    SKIPPED = "skipped"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, how it is, and what to do about it ("" when nothing)."""

    what: str
    level: Level
    text: str
    advice: str = ""


Check = Callable[[], Iterator[Finding]]


def ok(what: str, text: str) -> Finding:
    return Finding(what, Level.OK, text)


def skipped(what: str, why: str, advice: str) -> Finding:
    return Finding(what, Level.SKIPPED, f"not looked at: {why}", advice)


def warning(what: str, text: str, advice: str) -> Finding:
    return Finding(what, Level.WARNING, text, advice)


def error(what: str, text: str, advice: str) -> Finding:
    return Finding(what, Level.ERROR, text, advice)
