"""Creates, changes and deletes pools."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Workspace
from relays.exceptions import RelaysError
from relays.models import Pool, PoolMember, Relay


class PoolInUseError(RelaysError):
    """The pool can't be deleted: mailings went through it, and their reports name it."""


@dataclass(frozen=True, slots=True)
class PoolPlace:
    """A relay's place in a pool."""

    relay: Relay
    tier: int = 1
    weight: int = 1


@transaction.atomic
def create(workspace: Workspace, *, name: str, parts: Iterable[PoolPlace]) -> Pool:
    pool = Pool.objects.create(workspace=workspace, name=name)
    _set_members(pool, parts)
    return pool


@transaction.atomic
def change(pool: Pool, *, name: str, parts: Iterable[PoolPlace]) -> None:
    """Changes the name and the members; mailings that are being sent follow at once."""
    pool.name = name
    pool.save(update_fields=["name"])
    _set_members(pool, parts)


def _set_members(pool: Pool, parts: Iterable[PoolPlace]) -> None:
    chosen = list(parts)
    pool.members.exclude(relay__in=[part.relay for part in chosen]).delete()
    PoolMember.objects.bulk_create(
        [
            PoolMember(pool=pool, relay=part.relay, tier=part.tier, weight=part.weight)
            for part in chosen
        ],
        update_conflicts=True,
        unique_fields=["pool", "relay"],
        update_fields=["tier", "weight"],
    )


@transaction.atomic
def delete(pool: Pool) -> None:
    """Raises PoolInUseError."""
    Pool.objects.select_for_update().get(pk=pool.pk)
    if pool.mailing_set.exists():
        raise PoolInUseError
    pool.delete()
