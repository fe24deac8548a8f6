"""Shares of a relay's connections, by lease, over all workers and hosts.

A worker asks for a share when it begins, and renews it each second with the number of its open
connections. Shares are equal; a single worker has all. A share grows only by connections that
others have closed, so that together they never exceed the relay's number.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from relays import connectioncount as finding
from relays.connectioncount import Search
from relays.models import Relay, RelayMinute, RelaySlot
from relays.queries import clock

LEASE = timedelta(seconds=30)
# If replies take longer, in seconds, pages say so.
SILENT = 20.0
# More processes on one relay bring no more than further connections do.
MOST_SLOTS = 4

# The columns of a free slot.
FREE: dict[str, Any] = {"leased_until": None, "holder": "", "open": 0, "silent_since": None}

# The lock on these rows lets one worker at a time change the shares of a relay.
SLOTS = """
SELECT s.id, s.number, s.holder, coalesce(s.leased_until > %(now)s, false), s.open
  FROM relays_relayslot s
 WHERE s.relay_id = %(relay)s AND s.number < %(most)s
 ORDER BY s.number
   FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """A share of a relay's connections. `connections`: how many may be open; 0 until others have
    closed theirs."""

    id: int
    relay_id: int
    number: int
    connections: int


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    number: int
    holder: str
    live: bool
    open: int


@dataclass(frozen=True, slots=True)
class _Table:
    """The relay's connections to share out."""

    relay_id: int
    total: int
    now: datetime


def connections(relay: Relay, now: datetime | None = None) -> int:
    """How many connections the relay may have open in all: the owner's number, at most the number
    that the server lately allowed; without an owner's number, the number found."""
    found = relay.connections_found
    if relay.connections is None:
        return found or finding.FIRST
    refused = relay.connections_refused_at
    if found and refused and (now or clock.now()) - refused < _refused_for():
        return min(found, relay.connections)
    return relay.connections


def _refused_for() -> timedelta:
    return timedelta(seconds=finding.REFUSED_FOR)


@transaction.atomic
def take_slot(relay: Relay, holder: str) -> Slot | None:
    """A share of the relay's connections; None: others hold all. It may be of 0 connections at
    first: `renew_slot` returns more when others have closed theirs."""
    now = clock.now()
    total = connections(relay, now)
    rows = _rows(relay.pk, now) or _make(relay, now)
    live = [row for row in rows if row.live]
    free = next((row for row in rows if not row.live), None)
    if free is None or len(live) >= total:
        return None
    return _deal(free, holder, live, _Table(relay.pk, total, now), 0)


@transaction.atomic
def renew_slot(
    slot: Slot,
    holder: str,
    *,
    open: int,  # noqa: A002
    silent: float = 0.0,
) -> Slot | None:
    """Renews the share of a holder with `open` connections, which has waited for replies for
    `silent` seconds. If the new share is below `open`, close some. None: the lease was lost, close
    all."""
    now = clock.now()
    rows = _rows(slot.relay_id, now)
    mine = next((row for row in rows if row.id == slot.id and row.holder == holder), None)
    if mine is None:
        return None
    relay = Relay.objects.get(pk=slot.relay_id)
    others = [row for row in rows if row.live and row.id != slot.id]
    if relay.connections is None and open >= slot.connections > 0:
        _search(relay, leads=all(row.number > slot.number for row in others), now=now)
    table = _Table(slot.relay_id, connections(relay, now), now)
    since = now - timedelta(seconds=silent) if silent >= SILENT else None
    return _deal(mine, holder, others, table, open, silent_since=since)


def free_slots(holder: str) -> None:
    """Gives back a holder's share."""
    RelaySlot.objects.filter(holder=holder).update(**FREE)


def free_slots_of(process: str) -> None:
    """Gives back all shares of a process. Names of its holders begin with its name and a colon."""
    shares = RelaySlot.objects.filter(holder__startswith=f"{process}:")
    shares.update(**FREE)


def _rows(relay_id: int, now: datetime) -> list[_Row]:
    known: dict[str, Any] = {"relay": relay_id, "now": now, "most": MOST_SLOTS}
    with connection.cursor() as cursor:
        cursor.execute(SLOTS, known)
        return [_Row(*row) for row in cursor.fetchall()]


def _make(relay: Relay, now: datetime) -> list[_Row]:
    RelaySlot.objects.bulk_create(
        [RelaySlot(relay=relay, number=number) for number in range(MOST_SLOTS)],
        ignore_conflicts=True,
    )
    return _rows(relay.pk, now)


def _deal(  # noqa: PLR0913 - what a share is made of
    row: _Row,
    holder: str,
    others: Sequence[_Row],
    table: _Table,
    opened: int,
    *,
    silent_since: datetime | None = None,
) -> Slot:
    most = share(table.total, row.number, [(one.number, one.open) for one in others])
    # An open connection counts until it is closed.
    RelaySlot.objects.filter(pk=row.id).update(
        holder=holder,
        leased_until=table.now + LEASE,
        open=max(most, opened),
        silent_since=silent_since,
    )
    return Slot(row.id, table.relay_id, row.number, most)


def share(total: int, number: int, others: Sequence[tuple[int, int]]) -> int:
    """How many of `total` connections the slot `number` may have. `others`: (number, open)."""
    even, more = divmod(total, len(others) + 1)
    place = sum(other < number for other, _ in others)
    fair = even + (1 if place < more else 0)
    return max(0, min(fair, total - sum(opened for _, opened in others)))


# -- the search for the best number ----------------------------------------------------------------

# {relay id: search}, in the leading process: the one that holds the first of the used slots.
_searches: dict[int, Search] = {}


def _search(relay: Relay, *, leads: bool, now: datetime) -> None:
    """Measures the rate and sets relay.connections_found."""
    refused = relay.connections_refused_at
    if not leads or (refused and now - refused < _refused_for()):
        _searches.pop(relay.pk, None)
        return
    number = connections(relay, now)
    search = _searches.get(relay.pk)
    moment = time.monotonic()
    if search is None or search.number != number or moment - search.began > 4 * finding.LONGEST:
        _searches[relay.pk] = finding.start(number, moment, _accepted(relay, now))
        return
    if moment - search.began < finding.WATCH and moment >= search.began:
        return
    found = finding.step(search, moment, _accepted(relay, now))
    _searches[relay.pk] = found
    if found.number != number:
        relay.connections_found = found.number
        relay.save(update_fields=["connections_found"])


def _accepted(relay: Relay, now: datetime) -> int:
    """Mails that the relay accepted since the begin of the UTC day."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    counts = RelayMinute.objects.filter(relay=relay, meaning="accepted", minute__gte=day)
    return int(counts.aggregate(sum=Sum("count", default=0))["sum"])


def too_many(relay: Relay, *, open: int) -> int:  # noqa: A002
    """The server refused a connection while this process had `open` ones: remembers the number that
    it allows in all, and returns it."""
    now = clock.now()
    relay.refresh_from_db()
    tried = connections(relay, now)
    live = RelaySlot.objects.filter(relay=relay, leased_until__gt=now)
    here = max(live.values_list("open", flat=True), default=0)
    elsewhere = sum(live.values_list("open", flat=True)) - here
    found = finding.allowed(tried, open, elsewhere)
    Relay.objects.filter(pk=relay.pk).update(connections_found=found, connections_refused_at=now)
    _searches.pop(relay.pk, None)
    return found
