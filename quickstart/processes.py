"""The processes of `manage.py up`: started, watched, started again when they die, stopped.

Each runs in a process group of its own. A guard process outlives even a kill -9 of the supervisor
and stops what it started; a ledger on disk, with creation times, lets the next start stop what a
kill of both left.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

# A part that dies again soon after its start is started again after growing pauses, in seconds.
PAUSES = (0.2, 1.0, 3.0, 10.0)
# A part that lived this long, in seconds, starts again without a pause.
HEALTHY_AFTER = 30.0


@dataclass(frozen=True, slots=True)
class Group:
    """A process group that must not outlive the supervisor."""

    pgid: int
    created: float
    signal: int
    # Seconds that it may take to stop before it is killed.
    patience: float

    def alive(self) -> bool:
        """Whether a process of the group lives; the id of a dead one may have been given anew."""
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                if (
                    os.getpgid(process.pid) == self.pgid
                    and process.status() != psutil.STATUS_ZOMBIE
                    and process.create_time() >= self.created - 1
                ):
                    return True
        return False


@dataclass
class Part:
    """One program of the product."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    stop_signal: int = signal.SIGTERM
    patience: float = 15.0
    cwd: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    next_start: float = 0.0
    # Started by something else than `command` (the embedded servers start themselves).
    starter: Callable[[], subprocess.Popen[bytes] | None] | None = field(default=None)

    def start(self) -> None:
        self.started_at = time.monotonic()
        if self.starter is not None:
            self.process = self.starter()
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def plan_restart(self) -> float:
        """Seconds until it may start again."""
        lived = time.monotonic() - self.started_at
        self.deaths = 0 if lived > HEALTHY_AFTER else self.deaths + 1
        pause = PAUSES[min(self.deaths, len(PAUSES) - 1)]
        self.next_start = time.monotonic() + pause
        return pause


class Ledger:
    """What runs, told to the guard and written to disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.guard = Guard()

    def note(self, part: Part) -> None:
        group = group_of(part)
        if group is None:
            return
        line = json.dumps(asdict(group))
        self.guard.tell(line)
        with self.path.open("a") as file:
            file.write(line + "\n")

    def left_over(self) -> list[Group]:
        """Groups of an earlier run that still live."""
        try:
            lines = self.path.read_text().splitlines()
        except FileNotFoundError:
            return []
        groups = []
        for line in lines:
            # The last line of a killed run may be cut.
            with contextlib.suppress(ValueError, TypeError):
                groups.append(Group(**json.loads(line)))
        return [group for group in groups if group.alive()]

    def clear(self) -> None:
        self.path.write_text("")


def group_of(part: Part) -> Group | None:
    if part.process is None:
        return None
    try:
        created = psutil.Process(part.process.pid).create_time()
    except psutil.Error:
        return None
    return Group(part.process.pid, created, int(part.stop_signal), part.patience)


class Guard:
    """A child that waits until the supervisor ends and then stops what it was told of."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            _guard(reading)
        os.close(reading)
        os.set_inheritable(writing, False)
        self._pipe = writing
        self._pid = pid

    def tell(self, line: str) -> None:
        os.write(self._pipe, line.encode() + b"\n")

    def dismiss(self) -> None:
        """All is stopped; the guard may go."""
        self.tell("bye")
        os.close(self._pipe)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _guard(reading: int) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told = b""
    while piece := os.read(reading, 65536):
        told += piece
    lines = told.decode().splitlines()
    if "bye" not in lines:
        stop(Group(**json.loads(line)) for line in lines)
    os._exit(0)


def stop(groups: Iterable[Group]) -> None:
    """Stops process groups, the last started first, and kills what doesn't go in time."""
    for group in reversed(list(groups)):
        if not group.alive():
            continue
        with contextlib.suppress(ProcessLookupError):
            # PostgreSQL's children take their orders from the postmaster alone.
            if group.signal == signal.SIGINT:
                os.kill(group.pgid, signal.SIGINT)
            else:
                os.killpg(group.pgid, group.signal)
        end = time.monotonic() + group.patience
        while group.alive() and time.monotonic() < end:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(group.pgid, os.WNOHANG)
            time.sleep(0.03)
        if group.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group.pgid, signal.SIGKILL)
