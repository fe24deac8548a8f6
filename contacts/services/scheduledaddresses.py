"""The address of a scheduled import: its query is stored encrypted, as it often is a key, and is
never shown again."""

from typing import TypedDict

from accounts import secrets
from contacts import fileaddresses
from contacts.scheduledmodels import ScheduledImport


class StoredAddress(TypedDict):
    """Fields of ScheduledImport."""

    url: str
    query: bytes | None


def stored(url: str) -> StoredAddress:
    """A checked address in its fields."""
    address = fileaddresses.parse(url)
    query = secrets.encrypt(address.query) if address.query else None
    return {"url": address.base, "query": query}


def shown(schedule: ScheduledImport) -> str:
    """For everybody in the workspace, and for the form."""
    return schedule.url + (fileaddresses.HIDDEN_QUERY if schedule.query else "")


def whole(schedule: ScheduledImport) -> str:
    """As it is fetched. Raises SecretError."""
    query = secrets.decrypt(schedule.query)
    return f"{schedule.url}?{query}" if query else schedule.url
