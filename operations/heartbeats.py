"""Heartbeats of workers and beat: rows that /healthz and doctor read.

A worker writes its row from its main process, while it is connected to the broker and consumes. So
a worker that is busy with long tasks still has a heartbeat. Beat sends a task that writes beat's
row.
"""

from typing import Any

from celery import bootsteps

from environment import logs

log = logs.get(__name__)

# Seconds between two heartbeats.
EVERY = 5.0
# Seconds without a heartbeat after which a process counts as dead.
DEAD_AFTER = 25.0
BEAT = "beat"


class HeartbeatStep(bootsteps.StartStopStep):
    """A step of the Celery consumer: it starts when the worker consumes, and stops when the worker
    loses the broker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.timer: Any = None

    def start(self, consumer: Any) -> None:
        self._sign(consumer, restarted=True)
        self.timer = consumer.timer.call_repeatedly(EVERY, self._sign, (consumer,))

    def stop(self, _consumer: Any) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    shutdown = stop

    def _sign(self, consumer: Any, *, restarted: bool = False) -> None:
        queues = [queue.name for queue in consumer.task_consumer.queues]
        sign(consumer.hostname, queues, restarted=restarted)
        if "send" in queues:
            attend()


def attend() -> None:
    """Reports whether this host is able to send and, if a restored database asks, what it sent."""
    from django.db import connection  # noqa: PLC0415 - as below

    from pages.database import is_away  # noqa: PLC0415
    from sending.host.trouble import HostTroubleError  # noqa: PLC0415
    from sending.services import fence, sendhosts  # noqa: PLC0415

    try:
        sendhosts.tend()
        try:
            fence.attend()
        except OSError as error:
            # An error with files of the state directory. `tell` reports it once, not each time.
            sendhosts.tell(HostTroubleError.of(error))
    except Exception as error:
        # `sign` logs an unavailable database.
        if is_away(error):
            return
        # The worker goes on; the next try is in some seconds.
        log.exception("state of this host could not be told")
    finally:
        connection.close()


def sign(name: str, queues: list[str], *, restarted: bool = False) -> None:
    """Writes the heartbeat of `name`. An unavailable database is logged; the worker goes on."""
    # Celery loads this module before models can be imported.
    from django.db import Error, connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from operations.models import Heartbeat  # noqa: PLC0415

    now = timezone.now()
    row = Heartbeat(name=name, queues=queues, started_at=now, seen_at=now)
    changed = ["queues", "seen_at", *(["started_at"] if restarted else [])]
    try:
        Heartbeat.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["name"], update_fields=changed
        )
    except Error as error:
        log.warning("database can't be reached", error=error)
    finally:
        # The worker's main process forks: a child must not inherit a connection.
        connection.close()
