"""Apps that run servers of their own, and manage the relays and bounce mailboxes on these servers
(`managed_by`). Only such an app changes a server's address; people change only a relay's limits.

The app registers in its module `hooks`. Other apps ask for properties of a relay (Relay.managed,
Relay.delivers), never for its manager.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise

from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Manager:
    """`name`: the value of `managed_by`. `relay`, `limits`, `mailbox`: texts for pages about its
    relays, their limits, and its mailboxes. `off`: why its servers don't run now; "": they run."""

    name: str
    relay: Promise
    limits: Promise
    mailbox: Promise
    off: Callable[[], str]


managers: Registry[Manager] = Registry(key=lambda one: one.name)


def off(managed_by: str) -> str:
    """Why the servers of this app don't run; "": they run, or no app manages them."""
    manager = managers.get(managed_by)
    return manager.off() if manager else ""
