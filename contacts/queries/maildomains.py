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
# As the index contact_search_shown has it.
SHOWN = (
    r"contacts_spaced(c.email || E'\n' || c.full_name || E'\n' || c.last_name || c.first_name"
    r" || E'\n' || c.first_name || c.last_name)"
)


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
    """Those of these domains with more than so many contacts of the workspace. The search index
    finds them; it is read up to that number."""
    given: dict[str, Any] = {"workspace": workspace, "domains": list(domains), "people": people}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT domain FROM unnest(%(domains)s::text[]) domain
            WHERE (SELECT count(*) FROM (
                SELECT FROM contacts_contact c
                WHERE c.workspace_id = %(workspace)s AND c.email LIKE '%%@' || domain
                  AND {SHOWN} ILIKE '%%@' || domain || '%%'
                LIMIT %(people)s + 1) found) > %(people)s
            """,  # noqa: S608 - constants of ours
            given,
        )
        return {domain for (domain,) in cursor.fetchall()}
