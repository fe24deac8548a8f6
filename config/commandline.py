"""Makes commands end with a sentence, not a traceback, if the database can't be used.

Operators see this message during an outage; a traceback would hide the cause.
"""

import sys

from django.core.management import execute_from_command_line
from django.db import Error

from environment import readers
from operations import schema
from pages.database import is_away

# SQLSTATEs of a missing table and a missing column.
NOT_THERE = {"42P01", "42703"}


def execute(arguments: list[str]) -> None:
    """Like Django's own function. With --traceback the error itself is shown."""
    try:
        execute_from_command_line(arguments)
    except Error as error:
        words = explain(error)
        if not words or "--traceback" in arguments:
            raise
        sys.exit(f"This command can't be run: {words}")


def explain(error: Error) -> str:
    """A sentence about the error. "" if the database works and has every migration: then the error
    is a bug."""
    if getattr(error.__cause__, "sqlstate", None) in NOT_THERE:
        return schema.lack(readers.text("DATABASE_URL"))
    if not is_away(error):
        return ""
    # psycopg repeats the message for each address that it tried.
    lines = dict.fromkeys(line.strip() for line in str(error).splitlines())
    return f"the database can't be used: {' '.join(lines)}. Start it, or correct DATABASE_URL."
