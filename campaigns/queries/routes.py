"""The route of a campaign: a relay or a pool, its rate, and the senders that it accepts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accounts.models import Workspace
from campaigns.models import Campaign
from relays.models import Pool, PoolMember, Relay
from relays.providers import presets
from sending.models import Mailing

# Messages a second over one connection of a relay without a limit: 50 ms for each message.
PER_CONNECTION = 20.0
# Connections that the engine is expected to find good if the relay names no number.
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
        """Whether mails over the route reach people. True for a pool without relays, as it may get
        some."""
        return not self.relays or any(relay.delivers for relay in self.relays)

    @property
    def untested(self) -> list[Relay]:
        """Relays of any tier that were never seen to work."""
        return [relay for relay in self.relays if relay.untested]

    @property
    def active(self) -> bool:
        return any(is_active(relay) for relay in self.relays)

    @property
    def per_second(self) -> float:
        """Messages a second of all relays of the first tier that works, without their limits of
        hour and day."""
        first = min(self.tiers.values(), default=1)
        return sum(_average(relay) for relay, tier in self.tiers.items() if tier == first)

    @property
    def tiers(self) -> dict[Relay, int]:
        """The active relays, each with its tier."""
        active = filter(is_active, self.relays)
        return {relay: self.numbers.get(relay.pk, 1) for relay in active}


def is_active(relay: Relay) -> bool:
    return relay.state == Relay.State.ACTIVE and relay.archived_at is None


def carries(relay: Relay, mailing: Mailing) -> bool:
    """Whether the relay sends this mailing, even if it waits now. A draining relay still ends the
    mailings that it began with."""
    return relay.archived_at is None and relay.takes(mailing.opened_at)


def rate(relay: Relay) -> float:
    """Messages a second by the relay's limits, without those of hour and day."""
    limits = [(relay.connections or relay.connections_found or CONNECTIONS) * PER_CONNECTION]
    if relay.per_second:
        limits.append(float(relay.per_second))
    if relay.per_minute:
        limits.append(relay.per_minute / 60)
    return min(limits)


def _average(relay: Relay) -> float:
    return min(rate(relay), relay.per_hour / 3600) if relay.per_hour else rate(relay)


def of(campaign: Campaign) -> Route | None:
    """The campaign's route; None: none is chosen, or it no longer exists."""
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
    """The routes to choose from: pools first, then relays that deliver, then other relays."""
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
    """Whether the provider is known to accept mails only from the address that logs in, and
    `sender` is another one."""
    preset = presets.get(relay.preset)
    user = relay.username.lower()
    return preset is not None and preset.own_address and "@" in user and user != sender.lower()


def may_refuse_sender(relay: Relay, sender: str) -> bool:
    user = relay.username.lower()
    return "@" in user and user.rpartition("@")[2] != sender.lower().rpartition("@")[2]
