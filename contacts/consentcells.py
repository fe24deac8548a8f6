"""The cells of an export about a person's consent, made fast: what `contacts.consent` says about
subscriptions that differ only in their times is asked once. Pure.

`facts`: the subscriptions of a contact, with commas between: the list's id, the status, the
consent, the kind and the number of the source, and what became of it (contacts.models.Afterwards),
with blanks between. `moments`: when each of them changed, in UTC, with commas between:
2026-03-05T08:00:00.000000.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from contacts import consent, exports
from contacts.consent import Place, Stop, Wording
from contacts.provenance import Source

# Combinations of facts that are remembered: most contacts have one of a few.
REMEMBERED = 4096
# Any moment: only the order of moments counts.
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
# Characters of a moment with the comma behind it, and of what is written: without fractions.
WIDTH, SECONDS = 27, 19
# Stands in `_Known` where a moment of the contact is put in.
MOMENT = "%s+00:00"


@dataclass(frozen=True, slots=True)
class _Known:
    """What is said about some facts, as patterns for moments, and the places of these moments."""

    status: str
    at: tuple[slice, ...]
    lists: str
    ats: tuple[slice, ...]


class ConsentCells:
    """The cells of one export. `names`: {id of a list: its name}, in the order of their columns.
    `joined`: they have one column."""

    def __init__(
        self, wording: Wording, names: Mapping[int, str], *, list_id: int | None, joined: bool
    ) -> None:
        self._wording, self._list_id = wording, list_id
        self._names, self._joined = names, joined
        self._known: Callable[[str, tuple[int, ...]], _Known] = lru_cache(REMEMBERED)(self._say)

    def of(self, stops: Sequence[Stop], facts: str, moments: str) -> tuple[str, str]:
        """Parts of a line of CSV: the columns of contacts.exports.STATUS, and those of the lists.
        `facts` and `moments` are "" for a contact without subscriptions."""
        known = self._known(facts, _order(moments))
        if stops:
            status = self._stopped(stops)
        else:
            status = known.status % tuple([moments[at] for at in known.at])
        return status, known.lists % tuple([moments[at] for at in known.ats])

    def _stopped(self, stops: Sequence[Stop]) -> str:
        found = consent.status_of(stops, (), self._wording)
        moments = (consent.written(found.at), consent.written(found.suppressed_at))
        return exports.line((found.status, found.reason, *moments))

    def _say(self, facts: str, order: tuple[int, ...]) -> _Known:
        parts = facts.split(",") if facts else []
        places = [_place(part, number) for part, number in zip(parts, order, strict=True)]
        found = consent.status_of((), places, self._wording, list_id=self._list_id)
        said = _pattern(found.status), _pattern(found.reason)
        lists, ats = self._lists(places)
        if found.at is None:
            return _Known(exports.line((*said, "", "")), (), lists, ats)
        number = [place.at for place in places].index(found.at)
        return _Known(exports.line((*said, MOMENT, "")), (_slice(number),), lists, ats)

    def _lists(self, places: Sequence[Place]) -> tuple[str, tuple[slice, ...]]:
        """The pattern of the columns of lists, and the moments in it."""
        # {list: where its moment is, and its cell}
        known = {place.list_id: (_slice(at), _cell(place)) for at, place in enumerate(places)}
        # Columns have the order of the names; so have the lines of one column.
        ats = tuple(known[pk][0] for pk in self._names if pk in known)
        if self._joined:
            named = [
                (_pattern(name), known[pk][1]) for pk, name in self._names.items() if pk in known
            ]
            return exports.line([exports.lists_cell(named)]), ats
        return exports.line([known[pk][1] if pk in known else None for pk in self._names]), ats


def _order(moments: str) -> tuple[int, ...]:
    """Numbers that are in the same order as the moments."""
    if len(moments) < WIDTH:
        return (0,) if moments else ()
    times = moments.split(",")
    return tuple(map(sorted(set(times)).index, times))


def _place(facts: str, order: int) -> Place:
    pk, status, given, kind, number, afterwards = facts.split(" ")
    at = FIRST + timedelta(seconds=order)
    return Place(int(pk), status, given, Source(kind, int(number)), afterwards, at)


def _cell(place: Place) -> str:
    return _pattern(place.cell().removesuffix(consent.written(place.at))) + MOMENT


def _slice(number: int) -> slice:
    return slice(number * WIDTH, number * WIDTH + SECONDS)


def _pattern(text: str) -> str:
    return text.replace("%", "%%")
