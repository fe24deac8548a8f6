"""Counts of what people did today, raised up to a limit."""

import datetime as dt

from django.db import connection

from accounts.models import User

# One statement: of two requests at once, none passes the limit. `limit` is checked for the first of
# a day by whoever calls.
TAKE = """
INSERT INTO accounts_dailyuse AS used (user_id, what, day, count) VALUES (%s, %s, %s, %s)
ON CONFLICT (user_id, what, day) DO UPDATE SET count = used.count + excluded.count
WHERE used.count + excluded.count <= %s
RETURNING count
"""


def take(user: User, what: str, day: dt.date, *, count: int, limit: int) -> bool:
    """Whether there was room for them."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [user.pk, what, day, count, limit])
        return cursor.fetchone() is not None
