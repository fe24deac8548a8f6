"""How a person stands, in one word: the strictest truth of what is known. Pure.

The words are those that an import understands (contacts.statuswords), so that a file which was
exported here mails nobody elsewhere who must not be mailed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

SUBSCRIBED, UNSUBSCRIBED, NOT_SUBSCRIBED = "subscribed", "unsubscribed", "not_subscribed"
BOUNCED, COMPLAINED, SUPPRESSED = "bounced", "complained", "suppressed"
# By the reason of a suppression; any other reason is "suppressed".
BY_REASON = {"complaint": COMPLAINED, "hard_bounce": BOUNCED, "unsubscribed": UNSUBSCRIBED}


class Stop(NamedTuple):
    """An active suppression. `domain` is empty for one of the address."""

    reason: str
    source: str
    detail: str
    at: datetime
    domain: str = ""


class Place(NamedTuple):
    """A subscription, active or left."""

    list_id: int
    status: str
    consent: str
    source: str
    at: datetime

    def cell(self) -> str:
        """For people and programs: subscribed; explicit; import 12; 2026-03-05T08:00:00+00:00"""
        return "; ".join((self.status, self.consent, self.source, written(self.at)))


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    status: str
    reason: str = ""
    at: datetime | None = None
    # Since when no mail at all may be sent; None: it may.
    suppressed_at: datetime | None = None


def written(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def status_of(
    stops: Iterable[Stop],
    places: Iterable[Place],
    *,
    reasons: Mapping[str, str],
    names: Mapping[int, str],
    list_id: int | None = None,
) -> ConsentStatus:
    """Overall, or (`list_id`) on one list. `reasons` and `names` are the words for reasons of
    suppressions and for lists."""
    stop = min(stops, key=_rank, default=None)
    if stop is not None:
        status = BY_REASON.get(stop.reason, SUPPRESSED)
        return ConsentStatus(status, _why(stop, reasons), stop.at, stop.at)
    counted = [place for place in places if list_id in {None, place.list_id}]
    left = [place for place in counted if place.status == UNSUBSCRIBED]
    shown = left or counted
    if not shown:
        return ConsentStatus(NOT_SUBSCRIBED)
    latest = max(shown, key=lambda place: place.at)
    which = ", ".join(names.get(place.list_id, "") for place in shown)
    why = " · ".join(part for part in (which, latest.source) if part)
    return ConsentStatus(UNSUBSCRIBED if left else SUBSCRIBED, why, latest.at)


def _rank(stop: Stop) -> int:
    """The strictest first."""
    order = (COMPLAINED, BOUNCED, SUPPRESSED, UNSUBSCRIBED)
    return order.index(BY_REASON.get(stop.reason, SUPPRESSED))


def _why(stop: Stop, reasons: Mapping[str, str]) -> str:
    parts = (stop.domain, reasons.get(stop.reason, stop.reason), stop.source, stop.detail[:200])
    return " · ".join(part for part in parts if part)
