"""Why a mailing waits and until when: written for every live one, each second, in sets.

`Mailing.wait_reason` and `wait_until` say why nothing of it can go; `Mailing.waits` has a line for
each part that waits, also while others carry on. What is over within seconds is the pace itself and
no wait.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime

from pages import reasons
from relays import providers, windows
from relays.models import Lane, PoolMember, Relay
from relays.queries import clock, figures
from relays.services import pace
from sending.models import Hold, Mailing
from sending.queries import draining
from sending.queries import waits as query
from sending.services import sendhosts

# Reasons that come and go with every slice.
PACE = {"per_second", "per_minute", "rate", "mailing_rate", "share"}
MOMENT = timedelta(seconds=pace.WORTH_TELLING)


@dataclass(frozen=True, slots=True)
class Line:
    """A part of a mailing that waits. `relay`: the relay's name; `lane`: a key of relays.providers;
    `words`: the server's own. Neither relay nor lane: the mailing as a whole."""

    reason: str
    until: datetime | None = None
    relay: str = ""
    lane: str = ""
    words: str = ""

    @property
    def text(self) -> str:
        return reasons.text(self.reason)

    @property
    def provider(self) -> str:
        """The lane's name as people know it."""
        return providers.label(self.lane) if self.lane else ""

    def stored(self) -> dict[str, Any]:
        until = self.until.isoformat() if self.until else None
        return {name: value for name, value in (asdict(self) | {"until": until}).items() if value}


def lines(mailing: Mailing) -> list[Line]:
    """All that waits of it; [] unless it is being sent."""
    if mailing.state != Mailing.State.SENDING:
        return []
    return [
        Line(**(one | {"until": parse_datetime(one["until"]) if "until" in one else None}))
        for one in mailing.waits
    ]


@dataclass(frozen=True, slots=True)
class WaitCause:
    """Why nothing of a mailing can go ("": something can), and all parts that wait."""

    reason: str = ""
    until: datetime | None = None
    lines: tuple[Line, ...] = ()


@dataclass(slots=True)
class _LiveMailing:
    """A mailing that is being sent, as one tick sees it. `lanes`: those with somebody nobody
    claimed yet; `moving`: batches are under way or given back."""

    id: int
    said: tuple[str, datetime | None, list[Any]]
    window: Mapping[str, Any]
    opened_at: datetime
    next_slot_at: datetime | None
    lanes: list[int]
    moving: bool
    retry_at: datetime | None
    # {relay id: what runs of refusals hold of it there}
    held: dict[int, list[Hold]] = field(default_factory=dict)
    # Each with its tier.
    routes: list[tuple[int, Relay]] = field(default_factory=list)


def tend() -> None:
    """Eight statements for all mailings; the last one only when something changed."""
    draining.finish_draining()
    now = clock.now()
    live = _live()
    if not live:
        return
    relay_ids = {relay.pk for one in live for _, relay in one.routes}
    closed: dict[int, dict[int, Lane]] = defaultdict(dict)
    for lane in Lane.objects.filter(relay__in=relay_ids, closed_until__gt=now):
        if number := providers.lane_number(lane.name):
            closed[lane.relay_id][number] = lane
    silent = figures.silent(relay_ids)
    held = _held(one.id for one in live)
    unable = None if settings.SENDING else ("sending_off", "")
    unable = unable or sendhosts.unable(now)
    changed = {}
    for one in live:
        one.held = held.get(one.id, {})
        if unable:
            why = _alone(Line(unable[0], words=unable[1]))
        else:
            why = explain(one, closed, now, silent)
        stored = [line.stored() for line in why.lines]
        if (why.reason, why.until, stored) != one.said:
            changed[one.id] = (why, json.dumps(stored))
    _say(changed)


def _held(mailing_ids: Iterable[int]) -> dict[int, dict[int, list[Hold]]]:
    """{mailing id: {relay id: holds of lanes and of the whole route}}"""
    kinds = (Hold.Kind.LANE, Hold.Kind.ROUTE)
    rows = Hold.objects.filter(mailing__in=list(mailing_ids), kind__in=kinds, released_at=None)
    found: dict[int, dict[int, list[Hold]]] = {}
    for one in rows.exclude(decision=Hold.Decision.DROPPED).order_by("pk"):
        found.setdefault(one.mailing_id, {}).setdefault(one.relay_id, []).append(one)
    return found


def _say(changed: Mapping[int, tuple[WaitCause, str]]) -> None:
    if not changed:
        return
    known: dict[str, Any] = {
        "ids": list(changed),
        "reasons": [why.reason for why, _ in changed.values()],
        "untils": [why.until for why, _ in changed.values()],
        "waits": [stored for _, stored in changed.values()],
    }
    query.say(known)


def _live() -> list[_LiveMailing]:
    rows = query.live()
    members = defaultdict(list)
    for row in PoolMember.objects.filter(pool__in={row[7] for row in rows if row[7]}):
        members[row.pool_id].append((row.tier, row.relay_id))
    routes = [members[row[7]] if row[7] else [(1, row[6])] for row in rows]
    relays = Relay.objects.in_bulk({pk for route in routes for _, pk in route})
    return [
        _LiveMailing(
            id=row[0],
            said=(row[1], row[2], json.loads(row[3])),
            window=json.loads(row[4]),
            opened_at=row[5],
            next_slot_at=row[8],
            lanes=list(row[9]),
            moving=row[10],
            retry_at=row[11],
            routes=sorted(
                ((tier, relays[pk]) for tier, pk in route if pk in relays),
                key=lambda one: (one[0], one[1].name),
            ),
        )
        for row, route in zip(rows, routes, strict=True)
    ]


def explain(
    one: _LiveMailing,
    closed: Mapping[int, Mapping[int, Lane]],
    now: datetime,
    silent: Collection[int] = (),
) -> WaitCause:
    """`closed`: {relay id: {lane number: its row}}; `silent`: ids of relays that don't answer."""
    if (opens := windows.opens(one.window, now)) is not None:
        return _alone(Line("window", opens))
    if one.next_slot_at is not None and one.next_slot_at > now + MOMENT:
        return _alone(Line("mailing_rate", one.next_slot_at))
    carrying, waiting = _carrying(one, now)
    if not carrying:
        first = _soonest(waiting)
        return WaitCause(first.reason, first.until, tuple(waiting))
    due = one.retry_at is not None and one.retry_at <= now
    # What is to be tried later waits for its time, whoever is silent now.
    asks = one.moving or one.lanes or due
    quiet = [Line("silent", relay=relay.name) for relay in carrying if asks and relay.pk in silent]
    if len(quiet) == len(carrying):
        return WaitCause("silent", None, tuple(waiting + quiet))
    held, held_numbers = _held_lines(one, carrying)
    open_ = [number for number in one.lanes if number not in held_numbers]
    shut = _shut(open_, one, [closed.get(relay.pk, {}) for relay in carrying])
    found = tuple(waiting + quiet + held + shut)
    nothing_left = not shut and not held and one.retry_at is None
    if due or nothing_left or one.moving or len(shut) < len(open_):
        return WaitCause(lines=found)
    later = [Line("retrying", one.retry_at)] if one.retry_at else []
    first = _soonest([*shut, *later, *held])
    return WaitCause("lane" if first in shut and first.lane else first.reason, first.until, found)


def _alone(line: Line) -> WaitCause:
    return WaitCause(line.reason, line.until, (line,))


def _soonest(found: Sequence[Line]) -> Line:
    """The one that is over first explains the wait; what has no end comes last."""
    if not found:
        return Line("relay_paused")
    far = datetime.max.replace(tzinfo=UTC)
    # Of those without an end: what the platform stopped needs a look.
    return min(found, key=lambda line: (line.until or far, line.reason != "relay_stopped"))


def _carrying(one: _LiveMailing, now: datetime) -> tuple[list[Relay], list[Line]]:
    """(relays of the lowest tier that can carry it now, a line for each that can't)."""
    able: list[tuple[int, Relay]] = []
    waiting: list[Line] = []
    for tier, relay in one.routes:
        line = _left_out(relay, one) or _why_not(relay, one, now)
        if line is None:
            able.append((tier, relay))
        else:
            waiting.append(line)
    lowest = min((tier for tier, _ in able), default=0)
    return [relay for tier, relay in able if tier == lowest], waiting


def _left_out(relay: Relay, one: _LiveMailing) -> Line | None:
    """The mailing doesn't go over this relay, because of a run of refusals."""
    for hold in one.held.get(relay.pk, ()):
        if hold.kind == Hold.Kind.ROUTE:
            return Line(hold.reason, hold.until, relay=relay.name, words=hold.words)
    return None


def _why_not(relay: Relay, one: _LiveMailing, now: datetime) -> Line | None:
    """Why the relay carries nothing of the mailing; None: it does."""
    state = Relay.State
    if relay.archived_at is not None or relay.state == state.PAUSED:
        return Line("relay_paused", relay=relay.name, words=relay.state_words)
    if relay.state == state.STOPPED:
        return Line("relay_stopped", relay=relay.name, words=relay.state_words)
    if not relay.takes(one.opened_at):
        return Line("relay_draining", relay=relay.name)
    until = relay.wait_until
    if until is None or until <= now:
        return None
    if relay.wait_reason in PACE and until <= now + MOMENT:
        return None
    return Line(relay.wait_reason, until, relay=relay.name, words=relay.state_words)


def _held_lines(one: _LiveMailing, carrying: Sequence[Relay]) -> tuple[list[Line], set[int]]:
    """A line for each lane that is held at every relay that carries, and the mail providers'
    numbers."""
    by_name: dict[str, list[Hold]] = defaultdict(list)
    for relay in carrying:
        for hold in one.held.get(relay.pk, ()):
            if hold.kind == Hold.Kind.LANE:
                by_name[hold.lane].append(hold)
    lines, numbers = [], set()
    for name, holds in by_name.items():
        if len(holds) == len(carrying):
            until = min((hold.until for hold in holds if hold.until), default=None)
            lines.append(Line("held", until, lane=name, words=holds[0].words))
            numbers.add(holds[0].lane_number)
    return lines, numbers - {providers.OTHERS}


def _shut(
    lanes: Sequence[int], one: _LiveMailing, closed: Sequence[Mapping[int, Lane]]
) -> list[Line]:
    """A line for each lane with people left that is closed at every relay that carries."""
    found = []
    for number in lanes:
        rows = [by_number[number] for by_number in closed if number in by_number]
        if len(rows) == len(closed):
            first = min(rows, key=lambda row: row.closed_until or one.opened_at)
            found.append(Line(first.reason, first.closed_until, lane=first.name, words=first.words))
    return found
