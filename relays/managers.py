"""Apps that run servers of their own, and look after the relays and bounce mailboxes at them
(`managed_by`). Nobody else changes where such a server is: people set a relay's limits only.

Such an app registers in its module `hooks`. Other apps ask what a relay can (Relay.managed,
Relay.delivers), and never whose it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise

from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class Manager:
    """`name`: as `managed_by` has it. What pages say of its relays, of their limits, and of its
    mailboxes. `off`: why its servers don't run now; "": they do."""

    name: str
    relay: Promise
    limits: Promise
    mailbox: Promise
    off: Callable[[], str]


managers: Registry[Manager] = Registry(key=lambda one: one.name)


def off(managed_by: str) -> str:
    """Why the servers of this app don't run; "": they do, or these are servers of others."""
    manager = managers.get(managed_by)
    return manager.off() if manager else ""
