"""`manage.py migrate` that never blocks the site for long.

A statement that changes a table waits for every query on it, and all later queries wait behind that
statement. So it waits for three seconds at most; then what was done of the migration is rolled back
and it is tried again a little later. What is committed already is not done twice.
"""

import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connections
from django.db.migrations.recorder import MigrationRecorder

from operations import schema

LOCK_SECONDS = 3
# About two minutes in all.
PAUSES = (1, 2, 5, 10, 20, 20, 20, 20)


class Command(Migrate):
    pause: Callable[[float], None] = staticmethod(time.sleep)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if words := schema.unusable(MigrationRecorder(connection).applied_migrations()):
            raise CommandError(words)
        for seconds in (*PAUSES, None):
            try:
                with connection.cursor() as cursor:
                    # Of the session: each migration is a transaction of its own.
                    cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
                super().handle(*args, **options)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", "") != "55P03":
                    raise
                if seconds is None:
                    raise CommandError(BUSY) from error
                self.stderr.write(f"A table is in use; the next try is in {seconds} s.")
                self.pause(seconds)
            else:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")
                return


BUSY = (
    "A table stayed in use, so that it could not be changed. Nothing of this migration was kept. "
    "End long queries (see pg_stat_activity) or stop the workers, then run `migrate` again."
)
