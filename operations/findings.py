"""The findings of `manage.py doctor`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    # Not checked; the text says why.
    SKIPPED = "skipped"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check. `what`: the checked thing. `text`: its state. `advice`: what to do, or
    ""."""

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
