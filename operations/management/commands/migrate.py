"""`manage.py migrate`, which never blocks the site for long.

A statement that changes a table waits for every query on the table, and all later queries wait
behind the statement. So a statement waits for at most three seconds. Then the migration is rolled
back, and is tried again a little later. Committed migrations aren't repeated.
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
                    # For the session, because each migration has its own transaction.
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
