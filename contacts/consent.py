"""How a person stands, in one word: the strictest truth of what is known. Pure.

The words are those that an import understands (contacts.statuswords), so that a file which was
exported here mails nobody elsewhere who must not be mailed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from contacts.provenance import Source

SUBSCRIBED, UNSUBSCRIBED, NOT_SUBSCRIBED = "subscribed", "unsubscribed", "not_subscribed"
BOUNCED, COMPLAINED, SUPPRESSED = "bounced", "complained", "suppressed"
# By the reason of a suppression; any other reason is "suppressed".
BY_REASON = {"complained": COMPLAINED, "hard_bounced": BOUNCED, "unsubscribed": UNSUBSCRIBED}


class Stop(NamedTuple):
    """An active suppression. `afterwards`: what became of it (contacts.models.Afterwards). `domain`
    is empty for one of the address."""

    reason: str
    source: Source
    afterwards: str
    detail: str
    at: datetime
    domain: str = ""


class Place(NamedTuple):
    """A subscription, active or left."""

    list_id: int
    status: str
    consent: str
    source: Source
    afterwards: str
    at: datetime

    def cell(self) -> str:
        """For people and programs: subscribed; explicit; import 12; 2026-03-05T08:00:00+00:00. The
        source may have what became of it behind it: campaign 7, taken back."""
        became = self.afterwards.replace("_", " ")
        source = f"{self.source}, {became}" if became else str(self.source)
        return "; ".join((self.status, self.consent, source, written(self.at)))


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    status: str
    reason: str = ""
    at: datetime | None = None
    # Since when no mail at all may be sent; None: it may.
    suppressed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """Words in the reader's language: for reasons of suppressions, for lists by their ids, and for
    a source with what became of it."""

    reasons: Mapping[str, str]
    names: Mapping[int, str]
    say: Callable[[Source, str], str]


def written(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def status_of(
    stops: Iterable[Stop],
    places: Iterable[Place],
    wording: Wording,
    *,
    list_id: int | None = None,
) -> ConsentStatus:
    """Overall, or (`list_id`) on one list."""
    stop = min(stops, key=_rank, default=None)
    if stop is not None:
        status = BY_REASON.get(stop.reason, SUPPRESSED)
        return ConsentStatus(status, _why(stop, wording), stop.at, stop.at)
    counted = [place for place in places if list_id in {None, place.list_id}]
    left = [place for place in counted if place.status == UNSUBSCRIBED]
    shown = left or counted
    if not shown:
        return ConsentStatus(NOT_SUBSCRIBED)
    latest = max(shown, key=lambda place: place.at)
    which = ", ".join(wording.names.get(place.list_id, "") for place in shown)
    said = wording.say(latest.source, latest.afterwards)
    why = " · ".join(part for part in (which, said) if part)
    return ConsentStatus(UNSUBSCRIBED if left else SUBSCRIBED, why, latest.at)


def _rank(stop: Stop) -> int:
    """The strictest first."""
    order = (COMPLAINED, BOUNCED, SUPPRESSED, UNSUBSCRIBED)
    return order.index(BY_REASON.get(stop.reason, SUPPRESSED))


def _why(stop: Stop, wording: Wording) -> str:
    reason = wording.reasons.get(stop.reason, stop.reason)
    said = wording.say(stop.source, stop.afterwards)
    parts = (stop.domain, reason, said, stop.detail[:200])
    return " · ".join(part for part in parts if part)
