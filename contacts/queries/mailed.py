"""Whether a contact has a mail, sent or to be sent. Contacts can't ask the apps that mail: these
register a condition in their module `queries.mailed`."""

from pages.registry import Registry

# SQL conditions about the contact `c`, asked one by one by an index.
conditions: Registry[str] = Registry()


def condition() -> str:
    """SQL: the contact `c` has a mail."""
    return f"({' OR '.join(conditions) or 'false'})"
