"""One line when the broker goes away and one when it is back, from workers and from beat.

Celery logs each failed try: beat a traceback for every tick, a worker a line for every attempt.
"""

import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from celery import beat

from environment import logs

# The tick that says which beat sent it.
SIGN = "operations.tasks.beat_lives"

log = logs.get(__name__)


class Outage:
    """`now`: monotonic seconds."""

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
    """Beat's, in memory. A tick that can't be sent is dropped: the next one makes up for it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.outage = Outage("beat")
        super().__init__(*arguments, **options)

    def setup_schedule(self) -> None:
        super().setup_schedule()
        # doctor finds a second beat by this name.
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
        """At the start: until the broker is there."""
        return self.connection.ensure_connection(
            lambda error, _pause: self.outage.begins(_words(error)),
            self.app.conf.broker_connection_max_retries,
        )


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


class WorkerFilter(logging.Filter):
    """For the logger of Celery's consumer: its words about the broker become an `Outage`.

    The consumer logs "Cannot connect to" for each try, "Connection to broker lost" before the
    first, and tells nobody else.
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
    """For the logger of the consumer's connection, which says when it has one."""

    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self.outage = outage

    def filter(self, record: logging.LogRecord) -> bool:
        if record.getMessage().startswith("Connected to"):
            self.outage.ends()
        return True


class StepsFilter(logging.Filter):
    """For the logger of a worker's parts. While the broker is away they are taken down without a
    connection, and Celery logs each that asks for it, with a traceback."""

    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self.outage = outage

    def filter(self, record: logging.LogRecord) -> bool:
        return self.outage.since is None or not record.getMessage().startswith("Error on")


class AckFilter(logging.Filter):
    """Drops what the loss of the broker does to each message that a worker holds: it comes again,
    and the outage itself has its line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(("Couldn't ack", "Couldn't reject"))


class WarningFilter(logging.Filter):
    """Drops Celery's remark, at each loss of the broker, that long tasks go on without it:
    config.settings says so."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "CPendingDeprecationWarning" not in record.getMessage()


def watch_worker() -> None:
    """Once, in the main process of a worker."""
    lost = WorkerFilter()
    logging.getLogger("celery.worker.consumer.consumer").addFilter(lost)
    logging.getLogger("celery.worker.consumer.connection").addFilter(ConnectedFilter(lost.outage))
    logging.getLogger("celery.bootsteps").addFilter(StepsFilter(lost.outage))
    for name in ("kombu.message", "celery.worker.request"):
        logging.getLogger(name).addFilter(AckFilter())
    logging.getLogger("py.warnings").addFilter(WarningFilter())
