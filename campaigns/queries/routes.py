"""The way that a campaign's mails take: a relay or a pool, how fast it is, whom it sends for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accounts.models import Workspace
from campaigns.models import Campaign
from relays.models import Pool, PoolMember, Relay
from relays.providers import presets
from sending.models import Mailing

# Messages a second through one connection where the relay names no limit: 50 ms an exchange.
PER_CONNECTION = 20.0
# What the engine is expected to find where a relay doesn't say how many it takes.
CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Route:
    """A relay, or a pool with its relays. `key`: "relay-7" or "pool-3", as forms name it."""

    key: str
    name: str
    is_pool: bool
    relays: tuple[Relay, ...]
    # {relay id: its tier in the pool}; a tier sends when none of the lower ones can.
    numbers: Mapping[int, int] = field(default_factory=dict)

    @property
    def delivers(self) -> bool:
        """Whether mails that take it reach people; so does one without relays, once it has some."""
        return not self.relays or any(relay.delivers for relay in self.relays)

    @property
    def untested(self) -> list[Relay]:
        """Those that were never seen to work, whichever tier they are in."""
        return [relay for relay in self.relays if relay.untested]

    @property
    def active(self) -> bool:
        return any(is_active(relay) for relay in self.relays)

    @property
    def per_second(self) -> float:
        """What the relays of the first tier that works manage together, day limits aside."""
        first = min(self.tiers.values(), default=1)
        return sum(_average(relay) for relay, tier in self.tiers.items() if tier == first)

    @property
    def tiers(self) -> dict[Relay, int]:
        """Those of its relays that are active, each with its tier."""
        active = filter(is_active, self.relays)
        return {relay: self.numbers.get(relay.pk, 1) for relay in active}


def is_active(relay: Relay) -> bool:
    return relay.state == Relay.State.ACTIVE and relay.archived_at is None


def carries(relay: Relay, mailing: Mailing) -> bool:
    """Whether it sends this mailing, waits aside: one that is emptied ends what it began with."""
    return relay.archived_at is None and relay.takes(mailing.opened_at)


def rate(relay: Relay) -> float:
    """Messages a second, from the limits; those of hours and days aside."""
    limits = [(relay.connections or relay.connections_found or CONNECTIONS) * PER_CONNECTION]
    if relay.per_second:
        limits.append(float(relay.per_second))
    if relay.per_minute:
        limits.append(relay.per_minute / 60)
    return min(limits)


def _average(relay: Relay) -> float:
    return min(rate(relay), relay.per_hour / 3600) if relay.per_hour else rate(relay)


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
    members = pool.members.filter(relay__archived_at=None).select_related("relay")
    return _pool_route(pool, list(members.order_by("relay")))


def _pool_route(pool: Pool, members: Sequence[PoolMember]) -> Route:
    return Route(
        f"pool-{pool.pk}",
        pool.name,
        is_pool=True,
        relays=tuple(member.relay for member in members),
        numbers={member.relay_id: member.tier for member in members},
    )


def choices(workspace: Workspace) -> list[Route]:
    """What can be chosen: pools first, then relays, those that deliver before others."""
    pools = Pool.objects.filter(workspace=workspace).prefetch_related("members__relay")
    relays = Relay.objects.filter(workspace=workspace, archived_at=None)
    return [
        *(
            _pool_route(pool, [m for m in pool.members.all() if not m.relay.archived_at])
            for pool in pools.order_by("name")
        ),
        *(
            Route(f"relay-{relay.pk}", relay.name, is_pool=False, relays=(relay,))
            for relay in relays.order_by("-delivers", "name")
        ),
    ]


def refuses_sender(relay: Relay, sender: str) -> bool:
    """Whether the provider is known to take mails only from the address that logs in."""
    preset = presets.get(relay.preset)
    user = relay.username.lower()
    return preset is not None and preset.own_address and "@" in user and user != sender.lower()


def may_refuse_sender(relay: Relay, sender: str) -> bool:
    user = relay.username.lower()
    return "@" in user and user.rpartition("@")[2] != sender.lower().rpartition("@")[2]
