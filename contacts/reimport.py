"""An export of contacts of ours that comes back as an import: what its columns say. Pure.

Its `status` sums up all lists. Who is on one list, and who left it, is in that list's own column,
as contacts.consent.Place.cell writes it: "subscribed; explicit; import 12; 2026-03-05T08:00:00Z".
An empty cell: not on that list. `suppressed_at` says who must not be mailed at all.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contacts.exports import ADDED
from contacts.statuswords import SKIPPED, SUBSCRIBED, UNSUBSCRIBED, Reading, graver

LIST_STATUS = re.compile(r"\s*list\s*[:：](.*)", re.IGNORECASE | re.DOTALL)
MARK = frozenset({"status", "suppressed_at"})
# The weakest first.
CONSENTS = ("unknown", "customer", "explicit")


def list_named(header: str) -> str | None:
    """The name of the list that a column with this header is about."""
    match = LIST_STATUS.fullmatch(header)
    return match[1].strip() if match else None


def is_ours(header: Iterable[str]) -> bool:
    """Whether a file with this header is an export of contacts of ours, also one from which columns
    were taken out."""
    names = {name.strip().casefold() for name in header}
    return names >= MARK and (ADDED in names or any(map(LIST_STATUS.fullmatch, names)))


def lists_in(header: Sequence[str]) -> dict[int, str]:
    """Number and list of each list column of an export of ours; {} for another file. An attribute
    that is named like one stands before it."""
    if not is_ours(header):
        return {}
    columns = {name: n for n, text in enumerate(header) if (name := list_named(text))}
    return {n: name for name, n in columns.items()}


def column_about(lists: Mapping[int, str | None], names: Iterable[str]) -> int | None:
    """The list column about the list with one of these names, the first ones first. A column that
    names no list is about whatever list the file goes into."""
    for name in names:
        for number, named in lists.items():
            if named == name.strip():
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

    def consent(self, cells: Sequence[str]) -> str:
        """What the person agreed to, by the list's column; without one, the weakest of all lists.
        "": the file doesn't say."""
        columns = self.columns if self.about is None else (self.about,)
        found = [consent for n in columns if (consent := _consent_in(cells[n]))]
        return min(found, key=CONSENTS.index, default="")
