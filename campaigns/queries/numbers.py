"""The numbers of campaigns."""

from django.db import connection

SEQUENCE = "pg_get_serial_sequence('campaigns_campaign', 'id')"
SKIP = f"SELECT setval({SEQUENCE}, nextval({SEQUENCE}) + %s)"


def skip_numbers(number: int) -> None:
    """Skips `number` numbers, so that no campaign gets them. SQL, because Django can't advance a
    sequence."""
    with connection.cursor() as cursor:
        cursor.execute(SKIP, [number])
