"""A workspace's sender addresses: that of its settings, and those of its campaigns.

A test mail must come from one of these, so that nobody can impersonate others. Apps to the right
add addresses in their module `senders`.
"""

from collections.abc import Callable, Iterable

from accounts.models import Workspace
from contacts import addresses
from pages.registry import Registry

# At most this many are offered in a list.
MOST = 100
Source = Callable[[Workspace], Iterable[str]]
# Functions that return further addresses of a workspace, the latest first.
sources: Registry[Source] = Registry()


def of(workspace: Workspace) -> list[str]:
    """Normalised, each once; the one of the settings first."""
    found: dict[str, None] = {}
    for address in (workspace.from_email, *(one for give in sources for one in give(workspace))):
        if len(found) < MOST and (known := _normal(address)):
            found[known] = None
    return list(found)


def may_use(workspace: Workspace, address: str) -> bool:
    return _normal(address) in of(workspace)


def _normal(address: str) -> str:
    """The normalised address; "" if the text is none."""
    try:
        return addresses.normalise(address) if address else ""
    except addresses.AddressError:
        return ""
