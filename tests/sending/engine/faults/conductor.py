"""Plays a schedule: workers in processes of their own, events when so many mails were accepted, and
in the end everything must be right."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
from django.db import Error, connection

from sending.models import Mailing
from sending.services import mailings, recovery
from tests.sending.engine.faults import engine
from tests.sending.engine.faults.check import assert_ended, assert_no_journals
from tests.sending.engine.faults.scene import Scene, addresses, opened
from tests.sending.engine.faults.schedules import Event, Schedule
from tests.sending.engine.faults.server import Server, running
from tests.sending.engine.faults.workers import Nursery, Worker

# Of the timeouts of an installation: 0.24 s for a command's reply, 0.6 s for a content's.
PERCENT = 0.2
# Seconds without any progress after which what waits until a time is made due.
STILL = 0.05
# How long what is away stays away, in seconds.
AWAY = 0.2


class Conductor:
    def __init__(self, schedule: Schedule, scene: Scene, nursery: Nursery) -> None:
        self.schedule = schedule
        self.scene = scene
        self.nursery = nursery
        self.workers: list[Worker] = []
        self.log: list[str] = []
        self.later: list[threading.Timer] = []

    def play(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        try:
            self.workers = [self._worker() for _ in range(self.schedule.workers)]
            for event in self.schedule.events:
                if not self._until(event.at, end):
                    break
                self._happen(event)
            assert self._until(None, end), self._report()
        finally:
            for timer in self.later:
                timer.join()
            self._stop_workers()

    def _until(self, accepted: int | None, end: float) -> bool:
        """Whether so many mails were accepted before the mailing was finished; None: it is."""
        seen, since = -1, time.monotonic()
        while accepted is None or self.scene.accepted() < accepted:
            with suppress(Error):
                engine.beat()
                self.scene.mailing.refresh_from_db()
                if self.scene.mailing.state == Mailing.State.FINISHED:
                    return accepted is None
                now = time.monotonic()
                if (number := sum(server.turns.total() for server in self.scene.servers)) != seen:
                    seen, since = number, now
                elif now - since > STILL:
                    self.log += engine.mend(self.scene)
                    engine.hurry(self.scene)
                    since = now
            if time.monotonic() > end:
                return False
            self.scene.servers[0].pause()
        return True

    # What happens ------------------------------------------------------------------------------

    def _happen(self, event: Event) -> None:
        getattr(self, f"_{event.happens}")(event.which)

    def _kill(self, which: int) -> None:
        place = which % len(self.workers)
        self.workers[place].kill()
        self.workers[place] = self._worker()

    def _term(self, which: int) -> None:
        place = which % len(self.workers)
        self.workers[place].stop()
        self.workers[place] = self._worker()

    def _freeze(self, which: int) -> None:
        worker = self.workers[which % len(self.workers)]
        worker.send(signal.SIGSTOP)
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("UPDATE sending_batch SET leased_until = now() WHERE holder <> ''")
            recovery.sweep()
        self._in_a_while(lambda: wake(worker))

    def _cut(self, _which: int) -> None:
        cut_connections()

    def _away(self, _which: int) -> None:
        allow_connections(False)
        cut_connections()
        self._in_a_while(lambda: allow_connections(True))

    def _restart(self, which: int) -> None:
        self._server(which).restart()

    def _gone(self, which: int) -> None:
        server = self._server(which)
        server.go_away()
        self._in_a_while(server.come_back)

    def _pause(self, _which: int) -> None:
        with suppress(Error):
            mailings.pause(self.scene.mailing)

    def _ahead(self, which: int) -> None:
        self.workers[which % len(self.workers)].send(signal.SIGUSR1)

    def _back(self, which: int) -> None:
        self.workers[which % len(self.workers)].send(signal.SIGUSR2)

    def _server(self, which: int) -> Server:
        return self.scene.servers[which % len(self.scene.servers)]

    def _in_a_while(self, work: object) -> None:
        timer = threading.Timer(AWAY, work)  # type: ignore[arg-type]
        timer.start()
        self.later.append(timer)

    # Workers -----------------------------------------------------------------------------------

    def _worker(self) -> Worker:
        return self.nursery.start(percent=PERCENT)

    def _stop_workers(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):  # what made it end is told by what it returned
                worker.send(signal.SIGTERM)
        assert [worker.wait() for worker in self.workers] == [0] * len(self.workers)

    def _report(self) -> str:
        return "\n".join([engine.report(self.scene), *self.log])


@contextmanager
def played(schedule: Schedule, nursery: Nursery, *, seconds: float = 30.0) -> Iterator[Scene]:
    """The scene after the schedule: all is over, and right."""
    changed = threading.Condition()
    with ExitStack() as stack:
        servers = [
            stack.enter_context(running(plan.faults, plan.character, changed=changed))
            for plan in schedule.relays
        ]
        scene = opened(
            addresses(schedule.people),
            *servers,
            chunking=any(plan.character.chunking for plan in schedule.relays),
        )
        Conductor(schedule, scene, nursery).play(seconds)
        recovery.recover_journals()
        assert_ended(scene)
        assert_no_journals()
        yield scene


def cut_connections() -> None:
    """The database drops every connection to it but this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def allow_connections(allowed: bool) -> None:
    """To the test's database, of anybody new. Who is in it may not say that of it."""
    given = connection.settings_dict
    name = connection.ops.quote_name(given["NAME"])
    place = {"host": given["HOST"], "user": given["USER"], "password": given["PASSWORD"]}
    with psycopg.connect(dbname="postgres", autocommit=True, **place) as other:
        other.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allowed}".encode())


def wake(worker: Worker) -> None:
    with suppress(ProcessLookupError):  # it was killed meanwhile
        worker.send(signal.SIGCONT)
