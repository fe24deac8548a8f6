"""An export of contacts of ours that comes back as an import: what its columns say. Pure.

Its `status` sums up all lists. Who is on one list, and who left it, is in that list's own column,
as contacts.consent.Place.cell writes it: "subscribed; explicit; import 12; 2026-03-05T08:00:00Z".
An empty cell: not on that list. `suppressed_at` says who must not be mailed at all.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contacts.exports import ADDED, STATUS
from contacts.statuswords import SKIPPED, SUBSCRIBED, UNSUBSCRIBED, Reading, graver

LIST_STATUS = re.compile(r"\s*list\s*[:：](.*)", re.IGNORECASE | re.DOTALL)
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

    def flag(self, cells: Sequence[str], said: str, own: Reading) -> str:
        """How the person stands on the list: what its column says (`own`), unless the rest of the
        row says something (`said`) that no list column accounts for. Somebody wrote that into the
        file after it was exported, and it counts as in any other file."""
        words = {word_in(cells[n]).casefold() for n in self.columns}
        summed_up = {UNSUBSCRIBED: "unsubscribed" in words, SKIPPED: words == {""}}
        if said == SUBSCRIBED or summed_up.get(said):
            return own.flag
        return graver(own.flag, said)

    def summed_up(self, cells: Sequence[str]) -> str:
        """How the person stands by all list columns, as `status` sums it up. For a file that has no
        other column which says so, and none about the list that it goes into."""
        words = {word_in(cells[n]).casefold() for n in self.columns}
        if "unsubscribed" in words:
            return UNSUBSCRIBED
        return SUBSCRIBED if "subscribed" in words else SKIPPED

    def consent(self, cells: Sequence[str]) -> str:
        """What the person agreed to, by the list's column; without one, the weakest of all lists.
        "": the file doesn't say."""
        columns = self.columns if self.about is None else (self.about,)
        found = [consent for n in columns if (consent := _consent_in(cells[n]))]
        return min(found, key=CONSENTS.index, default="")
