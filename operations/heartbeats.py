"""Signs of life of the worker processes and of beat, as rows that /healthz and doctor read.

A worker writes its row from its own main process, and only while it is connected to the broker and
consumes: being busy with long tasks is no sign of death. Beat's row is written by a task it sends.
"""

from typing import Any

from celery import bootsteps

from environment import logs

log = logs.get(__name__)

# Seconds between two signs of life.
EVERY = 5.0
# Seconds without one after which something is taken for dead.
DEAD_AFTER = 25.0
BEAT = "beat"


class HeartbeatStep(bootsteps.StartStopStep):
    """Part of the consumer: started when it begins to consume, stopped when it loses the broker."""

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
    """Says whether this host is able to send, and what it sent if a restored database asks."""
    from django.db import connection  # noqa: PLC0415 - as below

    from pages.database import is_away  # noqa: PLC0415
    from sending.host.trouble import HostTroubleError  # noqa: PLC0415
    from sending.services import fence, sendhosts  # noqa: PLC0415

    try:
        sendhosts.tend()
        try:
            fence.attend()
        except OSError as error:
            # It looks at files of the state directory. The trouble is told once, not each time.
            sendhosts.tell(HostTroubleError.of(error))
    except Exception as error:
        # `sign` has a line about a database that is away.
        if is_away(error):
            return
        # It is asked again in some seconds; the worker goes on.
        log.exception("state of this host could not be told")
    finally:
        connection.close()


def sign(name: str, queues: list[str], *, restarted: bool = False) -> None:
    """Writes that `name` lives. A database that is away is logged and doesn't stop the worker."""
    # Celery loads this module before the models can be.
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
        # The worker's main process forks; it keeps no connection that a child could inherit.
        connection.close()
