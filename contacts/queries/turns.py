"""The turn to take a piece of work of which only so many are done at once."""

from django.db import connection


def wait(name: str) -> None:
    """Wait until no other worker counts and claims, and keep others out until the end of the
    transaction. Without it, two workers would both count before either has claimed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"contacts.{name}"])
