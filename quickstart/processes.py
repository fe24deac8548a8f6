"""Starts, watches, restarts and stops the processes of `manage.py up`.

Each part runs in its own process group. A guard process survives even a kill -9 of the supervisor,
and stops the parts. If the guard is killed, too, the next start stops them: a ledger on disk has
their group ids and creation times.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psutil

# Growing pauses, in seconds, before the restart of a part that dies again soon after its start.
PAUSES = (0.2, 1.0, 3.0, 10.0)
# A part that ran for so many seconds is restarted after the shortest pause.
HEALTHY_AFTER = 30.0
# A larger log is renamed when its part starts. One older log is kept.
LARGEST_LOG = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """A process group that must not outlive the supervisor."""

    pgid: int
    created: float
    signal: int
    # Seconds that it may take to stop before it is killed.
    patience: float
    # True for database and broker: they are stopped after the programs that use them.
    server: bool


@dataclass
class Program:
    """One program of the product: `command`, or an embedded server that `starter` starts."""

    name: str
    log: Path
    command: tuple[str, ...] = ()
    env: dict[str, str] | None = None
    cwd: Path | None = None
    starter: Callable[[], subprocess.Popen[bytes]] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 15.0
    process: subprocess.Popen[bytes] | None = None
    group: ProcessGroup | None = None
    started_at: float = 0.0
    deaths: int = 0
    # Monotonic time of the restart, if the part has died.
    next_start: float | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.next_start = None
        self.process = self.starter() if self.starter else self._launch()
        with contextlib.suppress(psutil.NoSuchProcess):
            self.group = ProcessGroup(
                pgid=self.process.pid,
                created=psutil.Process(self.process.pid).create_time(),
                signal=int(self.stop_signal),
                patience=self.patience,
                server=self.starter is not None,
            )

    def _launch(self) -> subprocess.Popen[bytes]:
        with open_log(self.log) as log:
            return subprocess.Popen(
                self.command,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def died(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def plan_restart(self) -> float:
        """Plans the restart. Returns the seconds until then."""
        lived = time.monotonic() - self.started_at
        self.deaths = 0 if lived > HEALTHY_AFTER else self.deaths + 1
        pause = PAUSES[min(self.deaths, len(PAUSES) - 1)]
        self.next_start = time.monotonic() + pause
        return pause


def open_log(path: Path) -> IO[bytes]:
    """Opens the log to append to. A large log is renamed first."""
    put_aside(path)
    return path.open("ab")


def put_aside(path: Path) -> None:
    """A log that is large; one older one is kept."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LARGEST_LOG:
            path.replace(path.with_suffix(".log.1"))


class ProcessList:
    """The running groups. They are sent to the guard, and written to disk in case it is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.groups: list[ProcessGroup] = []

    def left_over(self) -> list[ProcessGroup]:
        """Groups of an earlier run that still live."""
        try:
            lines = self.path.read_text().splitlines()
        except FileNotFoundError:
            return []
        groups = []
        for line in lines:
            # The last line of a killed run may be cut.
            with contextlib.suppress(ValueError, TypeError):
                groups.append(ProcessGroup(**json.loads(line)))
        alive = living(groups)
        return [group for group in groups if group.pgid in alive]

    def open(self) -> None:
        self.path.write_text("")
        self.guard = Guard()

    def note(self, group: ProcessGroup) -> None:
        self.groups.append(group)
        line = json.dumps(asdict(group))
        with self.path.open("a") as file:
            file.write(line + "\n")
        self.keep_guard()
        self.guard.tell(line)

    def keep_guard(self) -> None:
        """Starts a new guard if the old one was killed."""
        if self.guard.lives():
            return
        self.guard = Guard()
        for group in self.groups:
            self.guard.tell(json.dumps(asdict(group)))

    def close(self) -> None:
        """Call it when all groups are stopped."""
        self.guard.dismiss()
        self.path.write_text("")


class Guard:
    """A child process that waits until the supervisor ends, and then stops the groups that it was
    told."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(writing)
            _guard(reading)
        os.close(reading)
        self._pipe = writing

    def lives(self) -> bool:
        try:
            return os.waitpid(self.pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return False

    def tell(self, line: str) -> None:
        # The next `keep_guard` replaces a guard that was just killed.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, line.encode() + b"\n")

    def dismiss(self) -> None:
        self.tell("bye")
        os.close(self._pipe)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _guard(reading: int) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told = b""
    while piece := os.read(reading, 65536):
        told += piece
    lines = told.decode().splitlines()
    if "bye" not in lines:
        stop(ProcessGroup(**json.loads(line)) for line in lines)
    os._exit(0)


def living(groups: Iterable[ProcessGroup]) -> set[int]:
    """The ids of the groups that have a process. Another group may have the id of a dead one by
    now, so only processes that aren't older than the group count."""
    created = {group.pgid: group.created for group in groups}
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            pgid = os.getpgid(process.pid)
            if (
                pgid in created
                and process.status() != psutil.STATUS_ZOMBIE
                and process.create_time() >= created[pgid] - 1
            ):
                found.add(pgid)
    return found


def stop(groups: Iterable[ProcessGroup]) -> None:
    """Stops process groups, the servers last. Kills groups that don't stop in time."""
    groups = list(groups)
    for server in (False, True):
        _stop_together([group for group in groups if group.server == server])


def _stop_together(groups: list[ProcessGroup]) -> None:
    alive = living(groups)
    for group in groups:
        if group.pgid in alive:
            _ask(group)
    begun = time.monotonic()
    while alive := living(groups):
        for group in groups:
            if group.pgid in alive and time.monotonic() > begun + group.patience:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group.pgid, signal.SIGKILL)
        time.sleep(0.03)


def _ask(group: ProcessGroup) -> None:
    """Signals the group's leader, which stops its children properly (a Celery worker lets their
    tasks end). If the leader is dead, signals the children themselves, except those of a server:
    PostgreSQL's end when they notice."""
    with contextlib.suppress(ProcessLookupError):
        try:
            leads = psutil.Process(group.pgid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            leads = False
        if leads:
            os.kill(group.pgid, group.signal)
        elif not group.server:
            os.killpg(group.pgid, signal.SIGTERM)
