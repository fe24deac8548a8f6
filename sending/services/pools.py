"""Pools: relays that carry a mailing together."""

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Workspace
from sending.models import Pool, PoolMember, Relay


class PoolInUseError(Exception):
    """Mailings went or go through it, and their reports name it."""


@transaction.atomic
def create(workspace: Workspace, *, name: str, relays: Iterable[Relay]) -> Pool:
    pool = Pool.objects.create(workspace=workspace, name=name)
    _set_members(pool, relays)
    return pool


@transaction.atomic
def change(pool: Pool, *, name: str, relays: Iterable[Relay]) -> None:
    """Its name and who is in it; a mailing that is being sent follows at once."""
    pool.name = name
    pool.save(update_fields=["name"])
    _set_members(pool, relays)


def _set_members(pool: Pool, relays: Iterable[Relay]) -> None:
    chosen = list(relays)
    pool.members.exclude(relay__in=chosen).delete()
    PoolMember.objects.bulk_create(
        [PoolMember(pool=pool, relay=relay) for relay in chosen], ignore_conflicts=True
    )


@transaction.atomic
def delete(pool: Pool) -> None:
    """Raises PoolInUseError."""
    Pool.objects.select_for_update().get(pk=pool.pk)
    if pool.mailing_set.exists():
        raise PoolInUseError
    pool.delete()
