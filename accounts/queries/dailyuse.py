"""Counts of actions with a daily limit."""

import datetime as dt

from django.db import connection

from accounts.models import User

# One statement, so that two simultaneous requests can't pass the limit together. The INSERT itself
# doesn't check the limit: for the first row of a day the caller does.
TAKE = """
INSERT INTO accounts_dailyuse AS used (user_id, what, day, count) VALUES (%s, %s, %s, %s)
ON CONFLICT (user_id, what, day) DO UPDATE SET count = used.count + excluded.count
WHERE used.count + excluded.count <= %s
RETURNING count
"""


def take(user: User, what: str, day: dt.date, *, count: int, limit: int) -> bool:
    """Counts `count` actions if the limit allows all of them. Returns whether it did."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [user.pk, what, day, count, limit])
        return cursor.fetchone() is not None
