"""Makes lines that Celery's workers write past the log go through it.

Celery writes what its signal handlers say, and Python its warnings, as plain text, whatever
YANSHU_LOG_FORMAT is.
"""

from typing import Any

from celery import bootsteps

from environment import logs

log = logs.get(__name__)


class StopStep(bootsteps.StartStopStep):
    """A step of the worker: a SIGTERM is silent, and the stop that follows has a line."""

    def start(self, worker: Any) -> None:
        # Only a worker needs this module.
        from celery.apps import worker as program  # noqa: PLC0415

        # Celery has installed this handler just before, with its plain line.
        program.install_worker_term_handler(worker, verbose=False)  # type: ignore[attr-defined]

    def close(self, _worker: Any) -> None:
        """Not in the signal's handler: that could interrupt the writing of another line."""
        log.info("worker stops")
