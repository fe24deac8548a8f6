"""How many messages of a mailing a relay may carry now: within the mailing's own window and rate,
then within the relay's limits (relays.services.pace)."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from django.db import transaction

from relays import windows
from relays.models import Relay
from relays.queries import clock
from relays.queries.poolshares import Pooled
from relays.services import pace
from relays.services.pace import AHEAD, SLICE, Reservation, ReservedInterval, Wait
from sending.models import Hold, Mailing
from sending.services import holds


@transaction.atomic
def reserve(relay: Relay, mailing: Mailing, wanted: int) -> Reservation | Wait:
    """Reserves up to `wanted` messages of the mailing within all limits, or returns the limit to
    wait for.

    Runs in its own transaction. Waits of the relay that are long enough to report are stored with
    it.
    """
    now = clock.now()
    if (opens := windows.opens(mailing.window, now)) is not None:
        return pace.wait("window", opens, now, of_relay=False)
    if not mailing.per_minute:
        return pace.reserve(relay, wanted, _pooled(mailing))
    begin = _begin(mailing, now)
    if isinstance(begin, Wait):
        return begin
    rate = mailing.per_minute / 60
    found = pace.reserve(relay, min(wanted, ceil(rate * SLICE)), _pooled(mailing))
    if isinstance(found, Wait):
        return found
    own = ReservedInterval.take(Mailing, mailing.pk, begin, count=found.count, spacing=1 / rate)
    return replace(
        found,
        delay=max(found.delay, (begin - now).total_seconds()),
        spacing=max(found.spacing, own.spacing),
        intervals=(*found.intervals, own),
    )


def _begin(mailing: Mailing, now: datetime) -> datetime | Wait:
    """When the mailing's next interval begins; its row is locked."""
    locked = Mailing.objects.select_for_update(no_key=True).only("next_slot_at")
    begin = max(locked.get(pk=mailing.pk).next_slot_at or now, now)
    earliest = begin - timedelta(seconds=AHEAD)
    if earliest > now:
        return pace.wait("mailing_rate", earliest, now, of_relay=False)
    return begin


def _pooled(mailing: Mailing) -> Pooled | None:
    if mailing.pool_id is None:
        return None
    routes = holds.active(mailing=mailing, kind=Hold.Kind.ROUTE)
    left_out = tuple(routes.values_list("relay_id", flat=True))
    return Pooled(mailing.pool_id, mailing.opened_at, left_out)
