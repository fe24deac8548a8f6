"""The way that a campaign's mails take: a relay or a pool, how fast it is, whom it sends for."""

from dataclasses import dataclass

from accounts.models import Workspace
from campaigns.models import Campaign
from sending import presets
from sending.models import Pool, Relay

# Messages a second through one connection where the relay names no limit: 50 ms an exchange.
PER_CONNECTION = 20.0


@dataclass(frozen=True, slots=True)
class Route:
    """A relay, or a pool with its relays. `key`: "relay-7" or "pool-3", as forms name it."""

    key: str
    name: str
    is_pool: bool
    relays: tuple[Relay, ...]

    @property
    def sandbox(self) -> bool:
        return bool(self.relays) and all(relay.is_sandbox for relay in self.relays)

    @property
    def active(self) -> bool:
        return any(is_active(relay) for relay in self.relays)

    @property
    def per_second(self) -> float:
        """What the relays that are active manage together, day limits aside."""
        return sum(rate(relay) for relay in self.relays if is_active(relay))


def is_active(relay: Relay) -> bool:
    return relay.state == Relay.State.ACTIVE and relay.archived_at is None


def rate(relay: Relay) -> float:
    """Messages a second, from the limits."""
    limits = [relay.connections * PER_CONNECTION]
    if relay.per_second:
        limits.append(float(relay.per_second))
    if relay.per_hour:
        limits.append(relay.per_hour / 3600)
    return min(limits)


def of(campaign: Campaign) -> Route | None:
    """The campaign's way; None when none is chosen or it is gone."""
    if campaign.pool_id is not None:
        return _of_pool(Pool.objects.get(pk=campaign.pool_id))
    if campaign.relay_id is not None:
        relay = Relay.objects.get(pk=campaign.relay_id)
        relays = () if relay.archived_at else (relay,)
        return Route(f"relay-{relay.pk}", relay.name, is_pool=False, relays=relays)
    return None


def _of_pool(pool: Pool) -> Route:
    relays = Relay.objects.filter(pools__pool=pool, archived_at=None).order_by("pk")
    return Route(f"pool-{pool.pk}", pool.name, is_pool=True, relays=tuple(relays))


def choices(workspace: Workspace) -> list[Route]:
    """What can be chosen: pools first, then relays, the sandbox last."""
    pools = Pool.objects.filter(workspace=workspace).prefetch_related("members__relay")
    relays = Relay.objects.filter(workspace=workspace, archived_at=None)
    return [
        *(
            Route(
                f"pool-{pool.pk}",
                pool.name,
                is_pool=True,
                relays=tuple(m.relay for m in pool.members.all() if not m.relay.archived_at),
            )
            for pool in pools.order_by("name")
        ),
        *(
            Route(f"relay-{relay.pk}", relay.name, is_pool=False, relays=(relay,))
            for relay in relays.order_by("is_sandbox", "name")
        ),
    ]


def expected_seconds(route: Route | None, recipients: int) -> float | None:
    """How long `recipients` messages take; None when no relay of the route is active."""
    if route is None or not recipients or not route.per_second:
        return None
    days = [relay.per_day for relay in route.relays if is_active(relay)]
    seconds = recipients / route.per_second
    if all(days):
        a_day = sum(day or 0 for day in days)
        seconds = max(seconds, (recipients - 1) // a_day * 86400.0)
    return seconds


def refuses_sender(relay: Relay, sender: str) -> bool:
    """Whether the provider is known to take mails only from the address that logs in."""
    preset = presets.get(relay.preset)
    user = relay.username.lower()
    return preset is not None and preset.own_address and "@" in user and user != sender.lower()


def may_refuse_sender(relay: Relay, sender: str) -> bool:
    user = relay.username.lower()
    return "@" in user and user.rpartition("@")[2] != sender.lower().rpartition("@")[2]
