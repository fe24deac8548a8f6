"""Domains of addresses: in a judged batch, and how well the workspace knows them."""

from collections.abc import Collection
from typing import Any

from django.db import connection

from contacts import addresses

# People of these rows are imported.
TAKEN = "outcome IN ('new', 'updated', 'unchanged')"
DOMAIN = "split_part(email, '@', 2)"
IS_ROLE = "split_part(split_part(email, '@', 1), '+', 1) = ANY(%(roles)s)"
ROLES = sorted(addresses.ROLES)


def judged() -> list[tuple[str, int, int]]:
    """(domain, people, role addresses among them) of the judged batch."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {DOMAIN}, count(*), count(*) FILTER (WHERE {IS_ROLE}) "  # noqa: S608
            f"FROM import_judged WHERE {TAKEN} GROUP BY 1",
            {"roles": ROLES},
        )
        return [tuple(row) for row in cursor.fetchall()]


def familiar(workspace: int, domains: Collection[str], *, people: int) -> set[str]:
    """Those of these domains with more than so many contacts of the workspace."""
    given: dict[str, Any] = {"workspace": workspace, "domains": list(domains), "people": people}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked FROM unnest(%(domains)s::text[]) asked
            WHERE (SELECT count(*) FROM (
                SELECT FROM contacts_contact c
                WHERE c.workspace_id = %(workspace)s AND c.domain = asked
                LIMIT %(people)s + 1) found) > %(people)s
            """,
            given,
        )
        return {domain for (domain,) in cursor.fetchall()}
