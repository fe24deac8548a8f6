"""Locks of the limits of confirmation mails."""

from django.db import connection


def lock(address: str) -> None:
    """One mail to an address at a time, in all workspaces, until the transaction ends: two requests
    could both be within the limits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"signups.asking {address}"]
        )
