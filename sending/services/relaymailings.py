"""The mailings of a relay or a pool, and the effects on them when a relay is paused or resumed."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from relays.models import Pool, PoolMember, Relay
from relays.services.usage import Use
from sending.models import Hold, Mailing
from sending.queries import refusals
from sending.services import holds


def mailings(relay: Relay) -> QuerySet[Mailing]:
    """Mailings that may go through the relay, alone or in a pool."""
    return Mailing.objects.filter(
        Q(relay=relay) | Q(pool__in=PoolMember.objects.filter(relay=relay).values("pool"))
    )


def live(relay: Relay) -> int:
    """How many mailings are not finished; while the relay is draining, only those that were opened
    before."""
    found = mailings(relay).filter(state__in=Mailing.LIVE)
    if relay.draining_since:
        found = found.filter(opened_at__lte=relay.draining_since)
    return found.count()


def unfinished(relay: Relay) -> int:
    return mailings(relay).filter(state__in=Mailing.LIVE).count()


def of_pool(pool: Pool) -> int:
    return Mailing.objects.filter(pool=pool, state__in=Mailing.LIVE).count()


def paused(relay: Relay) -> None:
    """The relay was paused: another relay of a pool may carry messages that were held at this one,
    at once."""
    lanes = holds.active(relay=relay, kind=Hold.Kind.LANE)
    holds.due_again(lanes.values_list("mailing_id", flat=True))


def resumed(relay: Relay) -> None:
    """The relay was resumed: its holds end, and a new count of refusals begins."""
    stopped = Hold.objects.filter(relay=relay, kind=Hold.Kind.RELAY, released_at=None)
    stopped.update(released_at=timezone.now())
    refusals.forget(relay=relay)


USE = Use(live, unfinished, of_pool, paused, resumed)
