"""`manage.py up`: the real supervisor with all its parts, started, killed and stopped."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest

from environment.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
# Seconds; a machine that is busy with other tests is slow.
READY, STOPPED = 100.0, 60.0
# What the tests themselves run on.
OURS = ("DATABASE_URL", "CELERY_BROKER_URL", "EMAIL_URL", "PORT", "HOST")


class Up:
    """A `manage.py up` on a state directory of its own."""

    def __init__(self, var: Path, *options: str, **env: str) -> None:
        self.var = var
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in OURS and not name.startswith(("YANSHU_", "PYTEST_", "DJANGO_"))
        }
        self.env = inherited | {"YANSHU_VAR": str(var), "PORT": "0"} | env
        self.log = var.with_name(f"{time.monotonic_ns()}.log")
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", *options],
                env=self.env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def words(self) -> str:
        return self.log.read_text()

    def ready(self) -> "Up":
        wait(lambda: "ready" in self.words or self.process.poll() is not None, READY, self)
        assert self.process.poll() is None, self.words
        return self

    def url(self) -> str:
        return str(re.findall(r"Yanshu is ready: (\S+)/", self.words)[-1])

    def health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"{self.url()}/healthz", timeout=10) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            words = error.read()
            # Killed between the head and the body of its answer.
            return dict(json.loads(words)) if words else {"ok": False}
        except OSError:
            return {"ok": False}

    def refused(self) -> str:
        """It must not start; its words."""
        assert self.process.wait(READY) == 1
        return self.words

    def stop(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)
        self.process.wait(STOPPED)

    def parts(self) -> list[psutil.Process]:
        """Every process that has the state directory in its environment or command."""
        return [p for p in psutil.process_iter() if p.pid != os.getpid() and self._is_part(p)]

    def _is_part(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            words = [*process.cmdline(), process.environ().get("YANSHU_VAR", ""), process.cwd()]
        except (psutil.Error, OSError):
            return False
        return any(str(self.var) in word for word in words)

    def find(self, word: str) -> psutil.Process:
        """The oldest of the processes with the word in their command."""
        found = [p for p in self.parts() if word in command(p)]
        return min(found, key=lambda process: process.create_time())


def command(process: psutil.Process) -> str:
    """ "" for one that is gone by now."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def wait(condition: Callable[[], object], seconds: float, up: Up) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, up.words
        time.sleep(0.1)


@pytest.fixture
def var() -> Iterator[Path]:
    """Where an unprivileged PostgreSQL may come in; nothing of it lives on."""
    base = Path(tempfile.mkdtemp(prefix="yanshu-up-"))
    base.chmod(0o755)
    yield base / "var"
    # Only what a failed test left.
    for process in psutil.process_iter():
        try:
            if str(base) in " ".join([*process.cmdline(), process.environ().get("YANSHU_VAR", "")]):
                process.kill()
        except (psutil.Error, OSError):
            continue
    shutil.rmtree(base, ignore_errors=True)


def mark(var: Path) -> int:
    """Leaves a row in the embedded database; how many were left so far."""
    lines = (var / "environment").read_text().splitlines()
    url = dict(line.split("=", 1) for line in lines)["DATABASE_URL"]
    with psycopg.connect(url) as database:
        database.execute("CREATE TABLE IF NOT EXISTS mark (n int)")
        database.execute("INSERT INTO mark VALUES (1)")
        row = database.execute("SELECT count(*) FROM mark").fetchone()
    return int(row[0]) if row else 0


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_from_nothing_to_ready_killed_and_stopped(var: Path) -> None:
    """One run for many questions: a start costs seconds."""
    # It is asked by its IP, which is none of the names that pages are served for.
    up = Up(var, YANSHU_HOSTS="mail.example.com").ready()
    health = up.health()
    assert health["ok"], health
    assert {"database", "migrations", "broker", "workers", "hosts", "beat"} < set(health["parts"])
    wait(lambda: f"{up.url()}/setup/" in up.words, READY, up)
    assert "Create the owner's account" in up.words
    assert mark(var) == 1

    assert "already runs" in Up(var).refused()
    _kill_one_after_the_other(up)
    _kill_all(up)

    again = Up(var, "--without-sending").ready()
    health = again.health()
    assert health["ok"]
    assert health["parts"]["sending"]["detail"] == "off (YANSHU_SENDING)"
    assert mark(var) == 2
    again.stop()
    assert again.parts() == []


def _kill_one_after_the_other(up: Up) -> None:
    """What was killed is started again, and all is well."""
    for word in ("granian", "send@", "valkey", "postgres -D", "mail_sandbox", " beat "):
        victim = up.find(word)
        victim.kill()
        wait(lambda: not victim.is_running(), 20, up)  # noqa: B023 - called at once
        wait(lambda: up.health()["ok"], READY, up)


def _kill_all(up: Up) -> None:
    """The supervisor alone: its guard stops the rest."""
    up.process.kill()
    up.process.wait(20)
    wait(lambda: not up.parts(), STOPPED, up)


@pytest.mark.slow
def test_a_given_database_and_broker_are_used(var: Path, broker_url: str) -> None:
    """Nothing embedded is started."""
    with _database() as url:
        up = Up(var, DATABASE_URL=url, CELERY_BROKER_URL=broker_url).ready()
        try:
            assert up.health()["ok"]
            assert not (var / "postgres").exists()
            assert not (var / "broker").exists()
            # Not for those who come with a database of their own.
            assert not [p for p in up.parts() if "mail_sandbox" in p.cmdline()]
        finally:
            up.stop()
        assert up.parts() == []


@contextmanager
def _database() -> Iterator[str]:
    """An empty database on the server that the tests have."""
    url = os.environ["DATABASE_URL"]
    name = f"up_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield url.replace("/yanshu?", f"/{name}?")
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PORT": "many"}, "PORT is 'many'"),
        ({"HOST": "192.0.2.7"}, "HOST is '192.0.2.7'"),
        ({"DATABASE_URL": "mysql://me@db/x"}, "DATABASE_URL begins with mysql://"),
        ({"DATABASE_URL": "postgresql://me@127.0.0.1:1/x"}, "DATABASE_URL names a database"),
        ({"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}, "CELERY_BROKER_URL names a broker"),
        ({"CELERY_BROKER_URL": "kestrel://h"}, "CELERY_BROKER_URL begins with kestrel://"),
        ({"YANSHU_SANDBOX": "perhaps"}, "YANSHU_SANDBOX is 'perhaps'"),
        ({"YANSHU_SECRET_KEY_FILE": "/nowhere"}, "YANSHU_SECRET_KEY_FILE: /nowhere"),
        ({"EMAIL_URL": "pigeon://loft"}, "EMAIL_URL"),
    ],
)
def test_a_wrong_setting_is_named(var: Path, env: dict[str, str], words: str) -> None:
    up = Up(var, **env)
    said = up.refused()
    assert words in said
    assert "Traceback" not in said
    assert up.parts() == []


def test_a_state_directory_that_can_not_be_made(var: Path) -> None:
    var.write_text("a file")
    assert "YANSHU_VAR is" in Up(var).refused()


def test_a_taken_port_gives_another(var: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) != port
