"""Reads the syntax of other programs' merge tags from foreigntags.toml, which explains its keys.
Pure."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

# The first character of a pattern, after look-behinds: a literal, or a set of them.
FIRST = re.compile(
    r"(?:\(\?<[!=](?:\[[^\]]*\]|\\.|[^()\\])*\))*"
    r"(?:\[(?P<some>[$#]+)\]|(?P<one>\\[*{\[$]|[%<@~#-]))"
)
PIECE = re.compile(r"<<(\w+)>>")


@dataclass(frozen=True, slots=True)
class TagStyle:
    """A syntax of merge tags. `sure`: it is always a merge tag. `known`: it is one only with a name
    that we know."""

    program: str
    example: str
    pattern: re.Pattern[str]
    sure: bool = True
    known: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """`names`: {folded name in other programs: our field}. `filters`: {their filter: ours}."""

    names: Mapping[str, str]
    filters: Mapping[str, str]
    kinds: tuple[TagStyle, ...]

    def beginning(self, character: str) -> tuple[TagStyle, ...]:
        """The kinds that may begin with the character, in the file's order."""
        return _beginning(self, character)


# There are few tables, and few characters that a tag can begin with.
@lru_cache(maxsize=200)
def _beginning(table: Table, character: str) -> tuple[TagStyle, ...]:
    return tuple(kind for kind in table.kinds if _may_begin(kind.pattern.pattern, character))


def _may_begin(pattern: str, character: str) -> bool:
    """False only if the pattern begins with a literal other than this character."""
    first = FIRST.match(pattern)
    if first is None:
        return True
    written = first["one"] or first["some"]
    return character in written.replace("\\", "")


@cache
def table() -> Table:
    return read(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def read(toml: str) -> Table:
    """Raises ValueError, TypeError or KeyError if the file doesn't have this form."""
    file = tomllib.loads(toml)
    names = {name: ours for ours, theirs in file["names"].items() for name in theirs.split()}
    filters = dict(pair.split() for pair in file["words"]["filters"])
    pieces = {"objects": "|".join(file["words"]["objects"].split())}
    for name, piece in file["pieces"].items():
        pieces[name] = _whole(piece, pieces)
    return Table(names, filters, tuple(_kind(tag, pieces) for tag in file["tag"]))


def _kind(tag: Mapping[str, Any], pieces: Mapping[str, str]) -> TagStyle:
    pattern = re.compile(_whole(tag["pattern"], pieces))
    return TagStyle(**{"program": "", **tag, "pattern": pattern})


def _whole(pattern: str, pieces: Mapping[str, str]) -> str:
    return PIECE.sub(lambda piece: pieces[piece[1]], pattern)
