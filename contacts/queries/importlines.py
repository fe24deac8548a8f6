"""Lines of an import's file: those of a judged batch that a number of the check counts, and the
stored ones that an earlier line repeats (ImportDuplicate)."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection

from contacts.queries import maildomains

# {number of the check: the judged rows that it counts} (contacts.queries.importing.JUDGE). Lines
# that repeat one of their own batch are not among the judged rows, and rejected ones neither.
JUDGED = {
    **{
        name: f"outcome = '{name}'"
        for name in ("new", "updated", "unchanged", "duplicate", "suppressed")
    },
    "subscribed": "listing = 'subscribed'",
    "unsubscribed": "listing = 'unsubscribed'",
    # The question about other lists counts the others.
    "stopped": "stops AND NOT elsewhere",
}


def judged(kind: str, limit: int) -> list[dict[str, Any]]:
    """The first judged rows of this kind (a key of JUDGED), in the file's order."""
    return _rows(JUDGED[kind], {"limit": limit})


def _rows(condition: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT line, email, full_name, first_name, last_name, outcome, listing
            FROM import_judged WHERE {condition} ORDER BY line LIMIT %(limit)s
            """,  # noqa: S608 - a constant of ours
            parameters,
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def of_domains(domains: Collection[str], limit: int) -> list[dict[str, Any]]:
    """The first judged rows of people at these domains who are imported."""
    return _rows(
        f"{maildomains.TAKEN} AND {maildomains.DOMAIN} = ANY(%(domains)s)",
        {"domains": list(domains), "limit": limit},
    )


def of_roles(limit: int) -> list[dict[str, Any]]:
    """The first judged rows with an address of a role that are imported."""
    return _rows(
        f"{maildomains.TAKEN} AND {maildomains.IS_ROLE}",
        {"roles": maildomains.ROLES, "limit": limit},
    )


def no_longer_subscribed() -> set[str]:
    """Addresses of the judged batch that an earlier batch would have subscribed, and this one
    doesn't leave so."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT email FROM import_judged "
            "WHERE listing = 'withdrawn' OR (listing = 'unsubscribed' AND ours)"
        )
        return {email for (email,) in cursor.fetchall()}


def duplicates() -> list[tuple[int, str]]:
    """(line, address) of the judged rows whose address was in an earlier batch."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT line, email FROM import_judged WHERE outcome = 'duplicate'")
        return [(line, email) for line, email in cursor.fetchall()]


def keep_duplicates(import_id: int, lines: Sequence[tuple[int, str]]) -> None:
    """Store them by COPY: a file may repeat each of its lines."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY contacts_importduplicate (import_id, line, email) FROM STDIN") as copy,
    ):
        for line, email in lines:
            copy.write_row((import_id, line, email))
