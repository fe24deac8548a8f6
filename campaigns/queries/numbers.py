"""The numbers of campaigns."""

from django.db import connection

SEQUENCE = "pg_get_serial_sequence('campaigns_campaign', 'id')"
SKIP = f"SELECT setval({SEQUENCE}, nextval({SEQUENCE}) + %s)"


def skip_numbers(number: int) -> None:
    """The next campaigns have numbers after so many that nobody gets. Django knows nothing of
    sequences."""
    with connection.cursor() as cursor:
        cursor.execute(SKIP, [number])
