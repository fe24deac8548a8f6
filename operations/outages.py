"""Makes workers and beat log one line when the broker goes away, and one when it is back.

Celery itself logs each failed try: beat a traceback for every tick, a worker a line for every
attempt.
"""

import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from celery import beat

from environment import logs

# The tick that names its beat.
SIGN = "operations.tasks.beat_lives"

log = logs.get(__name__)


class Outage:
    """Logs the start and the end of an outage once. `now`: monotonic seconds."""

    def __init__(self, who: str, now: Callable[[], float] = time.monotonic) -> None:
        self.who = who
        self.now = now
        self.since: float | None = None

    def begins(self, words: str) -> None:
        if self.since is None:
            self.since = self.now()
            log.error("broker can't be reached, trying again", program=self.who, words=words)

    def ends(self) -> None:
        if self.since is not None:
            log.warning("broker is back", program=self.who, seconds=self.now() - self.since)
            self.since = None


class Scheduler(beat.Scheduler):
    """Beat's scheduler, in memory. It drops a tick that can't be sent: the next one replaces it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.outage = Outage("beat")
        super().__init__(*arguments, **options)

    def setup_schedule(self) -> None:
        super().setup_schedule()
        # doctor detects a second beat by this name.
        self.schedule[SIGN].args = (f"{socket.gethostname()}, process {os.getpid()}",)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except beat.SchedulingError as error:
            self._failed(entry, error.__context__ or error)
        else:
            self.outage.ends()

    def _failed(self, entry: Any, error: BaseException) -> None:
        lost = (*self.connection.connection_errors, *self.connection.channel_errors, OSError)
        if isinstance(error, lost) or type(error).__module__.startswith("kombu"):
            self.outage.begins(_words(error))
        else:
            log.error("tick could not be sent", task=entry.name, error=repr(error))

    def _ensure_connected(self) -> Any:
        """At the start: waits until the broker answers."""
        return self.connection.ensure_connection(
            lambda error, _pause: self.outage.begins(_words(error)),
            self.app.conf.broker_connection_max_retries,
        )


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


class WorkerFilter(logging.Filter):
    """For the logger of Celery's consumer: replaces its lines about the broker by an `Outage`.

    The consumer logs "Connection to broker lost", and then "Cannot connect to" for each try. There
    is no other way to learn of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outage = Outage("worker")

    def filter(self, record: logging.LogRecord) -> bool:
        words = record.getMessage()
        if words.startswith("consumer: Cannot connect to"):
            self.outage.begins(_reason(record))
            return False
        if words.startswith("consumer: Connection to broker lost"):
            self.outage.begins(_reason(record))
            return False
        return True


def _reason(record: logging.LogRecord) -> str:
    """The error among the record's arguments."""
    values = record.args if isinstance(record.args, tuple) else ()
    errors = [value for value in values if isinstance(value, BaseException)]
    return _words(errors[0]) if errors else "the connection was lost"


class ConnectedFilter(logging.Filter):
    """For the logger of the consumer's connection, which logs when it is connected."""

    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self.outage = outage

    def filter(self, record: logging.LogRecord) -> bool:
        if record.getMessage().startswith("Connected to"):
            self.outage.ends()
        return True


class StepsFilter(logging.Filter):
    """For the logger of a worker's steps. While the broker is away, Celery stops them without a
    connection, and logs a traceback for each step that needs it."""

    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self.outage = outage

    def filter(self, record: logging.LogRecord) -> bool:
        return self.outage.since is None or not record.getMessage().startswith("Error on")


class AckFilter(logging.Filter):
    """Drops the lines about each message that a worker holds when the broker is lost. The message
    is delivered again, and the outage is logged already."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(("Couldn't ack", "Couldn't reject"))


class WarningFilter(logging.Filter):
    """Drops Celery's warning, at each loss of the broker, that long tasks go on without it:
    config.settings chooses that."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "CPendingDeprecationWarning" not in record.getMessage()


def watch_worker() -> None:
    """Installs the filters. Call it once, in the main process of a worker."""
    lost = WorkerFilter()
    logging.getLogger("celery.worker.consumer.consumer").addFilter(lost)
    logging.getLogger("celery.worker.consumer.connection").addFilter(ConnectedFilter(lost.outage))
    logging.getLogger("celery.bootsteps").addFilter(StepsFilter(lost.outage))
    for name in ("kombu.message", "celery.worker.request"):
        logging.getLogger(name).addFilter(AckFilter())
    logging.getLogger("py.warnings").addFilter(WarningFilter())
