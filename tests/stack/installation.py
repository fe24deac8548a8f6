"""A whole installation (`manage.py up`) in a directory of its own, for tests that kill parts of it.

Its database is another than the test's: what it holds is read by psycopg, and written by its own
`manage.py`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
# Settings of the test run itself, which an installation must not see.
OURS = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "EMAIL_URL", "HOST", "PORT")


class Installation:
    """`scene`: the module whose `serve` answers calls."""

    def __init__(self, var: Path, *, sandbox: bool, scene: str = "tests.stack.scene") -> None:
        self.var = var
        self.scene_module = scene
        self.output = var.parent / "output"
        keep = {
            k: v for k, v in os.environ.items() if not k.startswith("YANSHU_") and k not in OURS
        }
        self.env = {
            **keep,
            "YANSHU_VAR": str(var),
            "PORT": "0",
            "YANSHU_SANDBOX": str(int(sandbox)),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.scene: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it says that it is ready."""
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.env,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_for(lambda: "is ready" in self.said(), 90, self.said)

    def said(self) -> str:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the supervisor ended: {self.output.read_text()}")
        return self.output.read_text()

    def stop(self) -> None:
        if self.scene is not None:
            self.scene.communicate()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def parts(self, *words: str) -> list[psutil.Process]:
        """Processes of this installation whose command line has one of the words."""
        found = []
        for process in self.family():
            with suppress(psutil.Error):
                if any(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
        return found

    def family(self) -> list[psutil.Process]:
        """The supervisor and all that descends from it."""
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            supervisor = psutil.Process(self.process.pid)
            return [supervisor, *supervisor.children(recursive=True)]
        return []

    def kill(self, *words: str) -> int:
        """kill -9 to every part with one of the words; returns how many."""
        victims = self.parts(*words)
        kill_all(victims)
        return len(victims)

    def kill_everything(self) -> None:
        """As a power cut would end it, but for the machine."""
        kill_all(self.family())
        assert self.process is not None
        self.process.wait(10)

    def setting(self, name: str) -> str:
        """What `up` added to the environment."""
        lines = (self.var / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)[name]

    def address(self) -> str:
        return self.setting("YANSHU_URL")

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address()}/healthz", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.setting("DATABASE_URL"), connect_timeout=5) as connection:
            return connection.execute(sql, values).fetchall()

    def call(self, function: str, *arguments: Any) -> Any:
        """Calls a function of the scene inside."""
        if self.scene is None:
            command = (sys.executable, "manage.py", "shell", "--no-imports", "-c")
            self.scene = subprocess.Popen(
                [*command, f"import {self.scene_module} as scene; scene.serve()"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        assert self.scene.stdin is not None
        assert self.scene.stdout is not None
        self.scene.stdin.write(json.dumps([function, arguments]).encode() + b"\n")
        self.scene.stdin.flush()
        return json.loads(self.scene.stdout.readline())


def kill_all(victims: list[psutil.Process]) -> None:
    # Stopped first, so that none of them sees another die and does something about it.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(number)


def wait_for(
    condition: Callable[[], object], seconds: float, why: Callable[[], object] = str
) -> None:
    end = time.monotonic() + seconds
    while True:
        # While the database is killed there is no answer.
        with suppress(psycopg.OperationalError):
            if condition():
                return
        assert time.monotonic() < end, why()
        time.sleep(0.05)


@contextmanager
def running(*, sandbox: bool = False, scene: str = "tests.stack.scene") -> Iterator[Installation]:
    base = Path(tempfile.mkdtemp(prefix="yanshu-stack-"))
    base.chmod(0o755)  # PostgreSQL runs as another user and must get in
    installation = Installation(base / "var", sandbox=sandbox, scene=scene)
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()
        shutil.rmtree(base, ignore_errors=True)
