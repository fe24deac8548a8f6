"""Describes pools for pages: the tier that carries the mail now, why, and each relay's share."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from relays.models import Pool, PoolMember, Relay
from relays.services.overview import RelayOverview


@dataclass(frozen=True, slots=True)
class TierMember:
    """A relay in a pool. `share`: its part of its tier's messages if all relays work; `now`: its
    part of the pool's messages at present. Both from 0 to 1."""

    overview: RelayOverview
    weight: int
    share: float
    now: float


@dataclass(frozen=True, slots=True)
class Tier:
    number: int
    members: tuple[TierMember, ...]
    carries: bool

    @property
    def able(self) -> bool:
        return any(member.overview.able for member in self.members)


@dataclass(frozen=True, slots=True)
class PoolNow:
    pool: Pool
    tiers: tuple[Tier, ...]

    @property
    def carrying(self) -> Tier | None:
        return next((tier for tier in self.tiers if tier.carries), None)

    @property
    def passed_over(self) -> list[RelayOverview]:
        """Relays of the tiers before the one that carries the mail (if none does, of all tiers):
        each has a reason why it can't work."""
        carrying = self.carrying
        before = [tier for tier in self.tiers if carrying is None or tier.number < carrying.number]
        return [member.overview for tier in before for member in tier.members]

    @property
    def members(self) -> list[TierMember]:
        return [member for tier in self.tiers for member in tier.members]


def of_pools(pools: Iterable[Pool], relays: Iterable[RelayOverview]) -> list[PoolNow]:
    """`relays`: must include the pools' members."""
    shown = list(pools)
    overviews = {one.relay.pk: one for one in relays}
    rows: dict[int, list[PoolMember]] = defaultdict(list)
    for row in PoolMember.objects.filter(pool__in=shown).order_by("tier", "-weight", "pk"):
        if row.relay_id in overviews:
            rows[row.pool_id].append(row)
    return [PoolNow(pool, _tiers(rows[pool.pk], overviews)) for pool in shown]


def relays_of(pool: Pool) -> list[Relay]:
    return list(Relay.objects.filter(pools__pool=pool, archived_at=None).order_by("name"))


def _tiers(rows: list[PoolMember], overviews: dict[int, RelayOverview]) -> tuple[Tier, ...]:
    numbers = sorted({row.tier for row in rows})
    able = [row.tier for row in rows if overviews[row.relay_id].able]
    carrying = min(able, default=None)
    return tuple(
        _tier(number, [row for row in rows if row.tier == number], overviews, number == carrying)
        for number in numbers
    )


def _tier(
    number: int, rows: list[PoolMember], overviews: dict[int, RelayOverview], carries: bool
) -> Tier:
    whole = sum(row.weight for row in rows)
    working = sum(row.weight for row in rows if overviews[row.relay_id].able)
    members = []
    for row in rows:
        overview = overviews[row.relay_id]
        now = row.weight / working if carries and overview.able else 0.0
        members.append(TierMember(overview, row.weight, row.weight / whole if whole else 0.0, now))
    return Tier(number, tuple(members), carries)
