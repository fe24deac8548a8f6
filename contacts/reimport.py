"""Reads the columns of our own contacts export when it is imported. Pure.

Its `status` sums up all lists. Each list has a column with the status on that list, in the form of
contacts.consent.Place.cell: "subscribed; explicit; import 12; 2026-03-05T08:00:00Z". An empty cell:
not on that list. If there are too many lists for a column each, the column `lists` has all lists of
a person, one on each line, after the list's name. `suppressed_at` marks people who must not be
mailed at all. `tags` has the person's tags in the form of contacts.tagnames.written.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contacts.exports import ADDED, LISTS, STATUS, TAGS
from contacts.statuswords import LEFT_LIST, SKIPPED, SUBSCRIBED, UNSUBSCRIBED, WordReading, graver
from contacts.values import APOSTROPHE

LIST_STATUS = re.compile(r"\s*list\s*[:：](.*)", re.IGNORECASE | re.DOTALL)
# A line of the column `lists`; the text after the name has four parts (contacts.consent.Place).
OF_A_LIST = re.compile(r"(.*): ((?:subscribed|unsubscribed)(?:; [^;]*){3})", re.IGNORECASE)
MARK = frozenset({"status", "suppressed_at"})
OURS = frozenset({*STATUS, ADDED})
# The weakest first.
CONSENTS = ("unknown", "customer", "explicit")


def list_named(header: str) -> str | None:
    """The name of the list that a column with this header is about."""
    match = LIST_STATUS.fullmatch(header)
    return match[1].strip() if match else None


def is_ours(header: Iterable[str]) -> bool:
    """Whether a file with this header is our contacts export, perhaps with columns removed: no
    other program writes a column "list: News"."""
    names = {name.strip().casefold() for name in header}
    return any(map(LIST_STATUS.fullmatch, names)) or names >= {*MARK, ADDED}


def joined_in(header: Sequence[str]) -> int | None:
    """In an export of ours: the number of the column with all lists of a person."""
    names = [name.strip().casefold() for name in header]
    is_there = LISTS in names and {*MARK, ADDED} <= {*names}
    return names.index(LISTS) if is_there else None


def tags_in(header: Sequence[str]) -> int | None:
    """In an export of ours: the number of the column with the person's tags. It follows a status
    column; one before them is an attribute with that name."""
    names = [name.strip().casefold() for name in header]
    if TAGS not in names or not is_ours(header):
        return None
    last = len(names) - 1 - names[::-1].index(TAGS)
    return last if {*STATUS} & {*names[:last]} else None


def _cells_of_lists(cell: str) -> dict[str, str]:
    """{list: the cell that its own column would have} from a cell of that column."""
    text = cell[1:] if APOSTROPHE.match(cell) else cell
    found = (OF_A_LIST.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1].strip(): match[2] for match in found if match}


def lists_in(header: Sequence[str], attributes: Iterable[str] = ()) -> dict[int, str]:
    """{number: list} of the list columns in an export of ours; {} for another file. An attribute
    may be named like a list column: of two such columns the first is the attribute's, and a single
    one is the attribute's in a file that has none of our status columns."""
    columns: dict[str, list[int]] = {}
    for number, text in enumerate(header):
        if name := list_named(text):
            columns.setdefault(name, []).append(number)
    own = {name.strip().casefold() for name in header} & OURS
    of_attributes = set() if own else {list_named(text) for text in attributes}
    return {
        numbers[-1]: name
        for name, numbers in columns.items()
        if len(numbers) > 1 or name not in of_attributes
    }


def column_about(lists: Mapping[int, str | None], names: Iterable[str]) -> int | None:
    """The list column for one of these names of a list, the first name first. A column that names
    no list is about the target list."""
    wanted = [name.strip() for name in names]
    for fold in (str, str.casefold):
        for name in wanted:
            for number, named in lists.items():
                if named is not None and fold(named) == fold(name):
                    return number
    return next((number for number, named in lists.items() if named is None), None)


def word_in(cell: str) -> str:
    """The status in a cell of a list column: subscribed, unsubscribed, or ""."""
    return cell.partition(";")[0].strip()


def _consent_in(cell: str) -> str:
    parts = [part.strip() for part in cell.split(";", 2)]
    return parts[1] if len(parts) > 1 and parts[1] in CONSENTS else ""


@dataclass(frozen=True, slots=True)
class OnLists:
    """The list columns of a file, and the one about the target list."""

    columns: tuple[int, ...] = ()
    about: int | None = None
    # The column with all lists, and the names of the target list.
    joined: int | None = None
    names: tuple[str, ...] = ()

    def cell(self, cells: Sequence[str]) -> str:
        """The row's cell for the target list."""
        if self.about is None:
            return ""
        if self.about != self.joined:
            return str(cells[self.about])
        # By the exact name: another list may differ only in capitals.
        of_lists = _cells_of_lists(cells[self.joined])
        return next((of_lists[n] for n in map(str.strip, self.names) if n in of_lists), "")

    def _each(self, cells: Sequence[str]) -> list[str]:
        """The row's cells for all lists."""
        found = [cells[n] for n in self.columns if n != self.joined]
        if self.joined is not None:
            found += _cells_of_lists(cells[self.joined]).values() or [""]
        return found

    def flag(self, cells: Sequence[str], said: str, own: WordReading) -> str:
        """The person's status on the target list: its column (`own`), unless the rest of the row
        says something else (`said`) that no list column explains. Somebody wrote that into the file
        after the export, and it counts as in any other file."""
        here = LEFT_LIST if own.flag == UNSUBSCRIBED else own.flag
        words = self._words(cells)
        summed_up = {UNSUBSCRIBED: "unsubscribed" in words, SKIPPED: words == {""}}
        if said == SUBSCRIBED or summed_up.get(said):
            return here
        return graver(here, said)

    def _words(self, cells: Sequence[str]) -> set[str]:
        return {word_in(cell).casefold() for cell in self._each(cells)}

    def of_lists(self, cells: Sequence[str], said: str) -> str:
        """The status in a row without a column for the target list. `said`: by the rest of the row;
        "unsubscribed" is only about single lists if their columns say so."""
        is_left = said == UNSUBSCRIBED and "unsubscribed" in self._words(cells)
        return LEFT_LIST if is_left else said

    def summed_up(self, cells: Sequence[str]) -> str:
        """The status by all list columns, like `status` sums it up. For a file without other status
        columns and without a column for the target list."""
        words = self._words(cells)
        if "unsubscribed" in words:
            return LEFT_LIST
        return SUBSCRIBED if "subscribed" in words else SKIPPED

    def consent(self, cells: Sequence[str]) -> str:
        """The person's consent by the target list's column; without one, the weakest of all lists.
        "": the file doesn't say."""
        said = self._each(cells) if self.about is None else [self.cell(cells)]
        found = [consent for cell in said if (consent := _consent_in(cell))]
        return min(found, key=CONSENTS.index, default="")
