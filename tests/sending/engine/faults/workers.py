"""Worker processes as tests see them: started in a nursery, stopped, killed, waited for."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[4]


class Nursery:
    """Starts workers on the database of the running test."""

    def __init__(self, *, broker_url: str = "") -> None:
        environment = os.environ | {"DATABASE_URL": database_url()}
        if broker_url:
            environment["CELERY_BROKER_URL"] = broker_url
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sending.engine.faults.nursery"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def start(
        self, kind: str = "engine", *, var: Path | None = None, **options: object
    ) -> "Worker":
        """`kind`: engine, or celery for a real worker with its own processes; `var`: another
        host's state directory."""
        order = {"start": kind, "var": str(var or settings.VAR)} | options
        return Worker(self, self.ask(order)["pid"])

    def ask(self, order: dict[str, object]) -> dict[str, int]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        answer: dict[str, int] = json.loads(self.process.stdout.readline())
        return answer

    def clear(self) -> None:
        """None of a test that failed lives on into the next one."""
        self.ask({"clear": True})

    def close(self) -> None:
        self.process.communicate(timeout=30)


@dataclass(frozen=True)
class Worker:
    nursery: Nursery
    pid: int

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, with the processes that it started."""
        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for one in family:
                one.send_signal(number)
        self.wait()

    def stop(self) -> None:
        """Gently; it ends as it should."""
        self.send(signal.SIGTERM)
        assert self.wait() == 0

    def wait(self) -> int:
        """Its exit status, negative for a signal."""
        return self.nursery.ask({"wait": self.pid})["status"]


@contextmanager
def nursery(*, broker_url: str = "") -> Iterator[Nursery]:
    made = Nursery(broker_url=broker_url)
    try:
        yield made
    finally:
        made.close()


def database_url() -> str:
    """The test's database, which is another one than DATABASE_URL names."""
    given = connection.settings_dict
    user, password = quote(given["USER"]), quote(given["PASSWORD"])
    place = f"@/{given['NAME']}?host={quote(given['HOST'], safe='')}"
    return f"postgresql://{user}:{password}{place}"
