"""Names of tags, as people type them and files write them. Pure.

Two names are the same tag if they differ only in case, width or spaces (`key_of`). A cell may hold
several names with commas, semicolons or bars between them, also Chinese ones. A name with such a
sign is quoted as in CSV, as in Mailchimp's exports and ours: `VIP, "Bath, Somerset"`.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from contacts import values
from pages.oneline import one_line

LONGEST = 100
# NFKC makes several letters of some characters.
LONGEST_KEY = 200
# Tags of one row of a file; new tags that a file may bring; tags of a workspace.
MOST_A_ROW = 50
NEW_A_FILE = 1_000
MOST = 5_000
# As much of a cell as is read.
LONGEST_CELL = 10_000
# ":::" stands between the values of a cell in Google's exports.
SEPARATOR = re.compile("[,，;；|｜、\n\r]|:::")
# A quotation mark without a backslash before it.
PLAIN_QUOTE = re.compile(r'(?<!\\)"')
# After a quoted name.
AFTER_QUOTED = re.compile(rf"\s*(?:{SEPARATOR.pattern}|$)")
# What `str.find` returns.
NEVER = -1
SPACES = re.compile(r"\s+")
# Google puts these on everybody.
OF_GOOGLE = frozenset({"* mycontacts", "* my contacts", "* starred"})

# A name for each key.
Names = dict[str, str]
# A code of contacts.rejects, and the value.
Problem = tuple[str, str]


def clean(text: str) -> str:
    """The name in the form that is stored; "" if nothing is left."""
    return SPACES.sub(" ", one_line(unicodedata.normalize("NFC", text))).strip(values.AROUND)


def key_of(name: str) -> str:
    """The name for comparison: without case and width."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return SPACES.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def is_too_long(name: str) -> bool:
    return len(name) > LONGEST or len(key_of(name)) > LONGEST_KEY


def split(text: str) -> list[str]:
    """The names in a cell or a typed line, in their order."""
    text = text.strip(values.AROUND)
    if (listed := _of_json(text)) is not None:
        parts: Sequence[str] = listed
    else:
        # Other languages write \" for a quotation mark.
        parts = _parts(text if PLAIN_QUOTE.search(text) else text.replace(r"\"", '"'))
    return [name for part in parts if (name := clean(part))]


def written(names: Iterable[str]) -> str:
    """A cell with these names, which `split` reads."""
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    # A name that looks like a list of JSON would be read as one.
    if SEPARATOR.search(name) or '"' in name or name.startswith("["):
        return '"' + name.replace('"', '""') + '"'
    return name


def _of_json(text: str) -> list[str] | None:
    """Some programs write a list: ["VIP", "Trade"]."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_names = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return found if is_names else None


def _parts(text: str) -> list[str]:
    """The parts between separators, without the quotation marks around some."""
    found: list[str] = []
    at, may_close = 0, True
    while at < len(text):
        while text[at].isspace() and at + 1 < len(text):
            at += 1
        end, stop = NEVER, None
        if may_close and text.startswith('"', at):
            end = _closing(text, at)
            may_close = end != NEVER
        if end != NEVER and (stop := AFTER_QUOTED.match(text, end + 1)):
            found.append(text[at + 1 : end].replace('""', '"'))
        else:
            stop = SEPARATOR.search(text, at)
            found.append(text[at : stop.start() if stop else len(text)])
        at = stop.end() if stop else len(text)
    return found


def _closing(text: str, opened: int) -> int:
    """Where the quotation mark stands that closes the one at `opened`; NEVER: none does."""
    at = text.find('"', opened + 1)
    while at != NEVER and text.startswith('"', at + 1):  # two stand for one
        at = text.find('"', at + 2)
    return at


class CellTags(NamedTuple):
    names: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]


@lru_cache(maxsize=1 << 14)  # the same cells come again and again
def in_cell(text: str) -> CellTags:
    """The tags in a cell, (key, name) each, and its names that are too long."""
    if len(text) > LONGEST_CELL:
        return CellTags((), (("value_text", text[:200]),))
    names: Names = {}
    problems: list[Problem] = []
    for name in split(values.clean(text)):
        if is_too_long(name):
            problems.append(("tag_long", name[:200]))
        elif (key := key_of(name)) and key not in OF_GOOGLE:
            names.setdefault(key, name)
    return CellTags(tuple(names.items()), tuple(problems))


class TagReader:
    """Reads the tags of a file's rows. `known`: keys of the workspace's tags; `room`: how many
    other tags the file may bring."""

    def __init__(self, known: Collection[str] = (), *, room: int = NEW_A_FILE) -> None:
        self._known = set(known)
        self._room = room

    def read(self, cells: Iterable[str]) -> tuple[Names, list[Problem]]:
        """The tags of a row, and the names that can't be used."""
        names: Names = {}
        problems: list[Problem] = []
        for cell in cells:
            if not cell:
                continue
            found = in_cell(cell)
            problems += found.problems
            for key, name in found.names:
                names.setdefault(key, name)
        if len(names) > MOST_A_ROW:
            beyond = list(names)[MOST_A_ROW:]
            problems.append(("tags_many", written(map(names.pop, beyond))[:500]))
        problems += [("tags_new", names.pop(key)) for key in [*names] if not self._has_room(key)]
        return names, problems

    def _has_room(self, key: str) -> bool:
        """Whether the tag is known or may be made."""
        if key in self._known:
            return True
        if self._room <= 0:
            return False
        self._room -= 1
        self._known.add(key)
        return True
