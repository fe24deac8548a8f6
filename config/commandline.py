"""Commands end with a sentence where the database can't be used. An operator meets that in a bad
moment, and a traceback hides what is wrong."""

import sys

from django.core.management import execute_from_command_line
from django.db import Error

from environment import variables
from operations import schema
from pages.database import is_away

# SQLSTATEs of a table and of a column that are not there.
NOT_THERE = {"42P01", "42703"}


def execute(arguments: list[str]) -> None:
    """As Django's own; --traceback shows the error itself."""
    try:
        execute_from_command_line(arguments)
    except Error as error:
        words = explain(error)
        if not words or "--traceback" in arguments:
            raise
        sys.exit(f"This command can't be run: {words}")


def explain(error: Error) -> str:
    """ "" if the database is there and has every migration: then we made a mistake."""
    if getattr(error.__cause__, "sqlstate", None) in NOT_THERE:
        return schema.lack(variables.text("DATABASE_URL"))
    if not is_away(error):
        return ""
    # psycopg says the same of each address that it tried.
    lines = dict.fromkeys(line.strip() for line in str(error).splitlines())
    return f"the database can't be used: {' '.join(lines)}. Start it, or correct DATABASE_URL."
