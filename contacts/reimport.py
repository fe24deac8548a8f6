"""An export of contacts of ours that comes back as an import: what its columns say. Pure.

Its `status` sums up all lists. Who is on one list, and who left it, is in that list's own column,
as contacts.consent.Place.cell writes it: "subscribed; explicit; import 12; 2026-03-05T08:00:00Z".
An empty cell: not on that list. Where there are too many lists for a column each, all lists of a
person are in the column `lists`, a line each, with the list's name before it. `suppressed_at` says
who must not be mailed at all.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contacts.exports import ADDED, LISTS, STATUS
from contacts.statuswords import LEFT_LIST, SKIPPED, SUBSCRIBED, UNSUBSCRIBED, WordReading, graver
from contacts.values import APOSTROPHE

LIST_STATUS = re.compile(r"\s*list\s*[:：](.*)", re.IGNORECASE | re.DOTALL)
# A line of the column `lists`; what follows the name has four parts (contacts.consent.Place).
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
    """Whether a file with this header is an export of contacts of ours, also one from which columns
    were taken out: nobody else writes a column "list: News"."""
    names = {name.strip().casefold() for name in header}
    return any(map(LIST_STATUS.fullmatch, names)) or names >= {*MARK, ADDED}


def joined_in(header: Sequence[str]) -> int | None:
    """Number of the column that has all lists of a person, of an export of ours."""
    names = [name.strip().casefold() for name in header]
    is_there = LISTS in names and {*MARK, ADDED} <= {*names}
    return names.index(LISTS) if is_there else None


def _cells_of_lists(cell: str) -> dict[str, str]:
    """{list: what a column of its own would say} of a cell of that column."""
    text = cell[1:] if APOSTROPHE.match(cell) else cell
    found = (OF_A_LIST.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1].strip(): match[2] for match in found if match}


def lists_in(header: Sequence[str], attributes: Iterable[str] = ()) -> dict[int, str]:
    """Number and list of each list column of an export of ours; {} for another file. An attribute
    that is named like one stands before it; alone it is that attribute's column."""
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
    """The list column about the list with one of these names, the first ones first. A column that
    names no list is about whatever list the file goes into."""
    wanted = [name.strip() for name in names]
    for fold in (str, str.casefold):
        for name in wanted:
            for number, named in lists.items():
                if named is not None and fold(named) == fold(name):
                    return number
    return next((number for number, named in lists.items() if named is None), None)


def word_in(cell: str) -> str:
    """What a cell of a list column says of the person: subscribed, unsubscribed, or nothing."""
    return cell.partition(";")[0].strip()


def _consent_in(cell: str) -> str:
    parts = [part.strip() for part in cell.split(";", 2)]
    return parts[1] if len(parts) > 1 and parts[1] in CONSENTS else ""


@dataclass(frozen=True, slots=True)
class OnLists:
    """The list columns of a file, and the one about the list that the file goes into."""

    columns: tuple[int, ...] = ()
    about: int | None = None
    # The column among them that has all lists, and the names of the one that the file goes into.
    joined: int | None = None
    names: tuple[str, ...] = ()

    def cell(self, cells: Sequence[str]) -> str:
        """What the row says of the list that the file goes into."""
        if self.about is None:
            return ""
        if self.about != self.joined:
            return str(cells[self.about])
        # By the exact name: another list may differ from it in capitals alone.
        of_lists = _cells_of_lists(cells[self.joined])
        return next((of_lists[n] for n in map(str.strip, self.names) if n in of_lists), "")

    def _each(self, cells: Sequence[str]) -> list[str]:
        """What the row says of each list."""
        found = [cells[n] for n in self.columns if n != self.joined]
        if self.joined is not None:
            found += _cells_of_lists(cells[self.joined]).values() or [""]
        return found

    def flag(self, cells: Sequence[str], said: str, own: WordReading) -> str:
        """How the person stands on the list: what its column says (`own`), unless the rest of the
        row says something (`said`) that no list column accounts for. Somebody wrote that into the
        file after it was exported, and it counts as in any other file."""
        here = LEFT_LIST if own.flag == UNSUBSCRIBED else own.flag
        words = self._words(cells)
        summed_up = {UNSUBSCRIBED: "unsubscribed" in words, SKIPPED: words == {""}}
        if said == SUBSCRIBED or summed_up.get(said):
            return here
        return graver(here, said)

    def _words(self, cells: Sequence[str]) -> set[str]:
        return {word_in(cell).casefold() for cell in self._each(cells)}

    def of_lists(self, cells: Sequence[str], said: str) -> str:
        """`said` by the rest of the row, none of whose columns is about the list that the file goes
        into. "Unsubscribed" is about single lists if their columns say so."""
        is_left = said == UNSUBSCRIBED and "unsubscribed" in self._words(cells)
        return LEFT_LIST if is_left else said

    def summed_up(self, cells: Sequence[str]) -> str:
        """How the person stands by all list columns, as `status` sums it up. For a file that has no
        other column which says so, and none about the list that it goes into."""
        words = self._words(cells)
        if "unsubscribed" in words:
            return LEFT_LIST
        return SUBSCRIBED if "subscribed" in words else SKIPPED

    def consent(self, cells: Sequence[str]) -> str:
        """What the person agreed to, by the list's column; without one, the weakest of all lists.
        "": the file doesn't say."""
        said = self._each(cells) if self.about is None else [self.cell(cells)]
        found = [consent for cell in said if (consent := _consent_in(cell))]
        return min(found, key=CONSENTS.index, default="")
