"""`manage.py serve`, `celery worker` and `celery beat`: what they refuse, and how they stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest

from environment.ports import free_port
from operations import schema
from tests.stack.installation import wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
SERVE = (sys.executable, str(ROOT / "manage.py"), "serve")
CELERY = (str(Path(sys.executable).parent / "celery"), "-A", "config", "-q")
WORKER = (*CELERY, "worker", "-Q", "control", "-c", "1", "-n", "control@test")
BEAT = (*CELERY, "beat", "--pidfile=", "-S", "operations.outages:Scheduler")
# Seconds; the machine may be busy.
STARTED, STOPPED = 90.0, 30.0


@contextmanager
def database(*, migrated: bool = False) -> Iterator[str]:
    """An empty one, or one that knows of every migration, on the server that the tests have."""
    url = os.environ["DATABASE_URL"]
    name = f"serve_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        one = url.replace("/yanshu?", f"/{name}?")
        if migrated:
            command = (sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0")
            subprocess.run(command, env=os.environ | {"DATABASE_URL": one}, check=True)
        yield one
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def ended(command: tuple[str, ...], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=STARTED,
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", [(*SERVE, "--port", "{port}"), WORKER, BEAT])
def test_a_database_without_tables_is_named(command: tuple[str, ...]) -> None:
    port = str(free_port("127.0.0.1", 0))
    with database() as url:
        done = ended(tuple(word.format(port=port) for word in command), DATABASE_URL=url)
    assert done.returncode == 1
    assert "Yanshu can't start: the database has no tables yet" in done.stderr
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_an_older_version_is_named() -> None:
    with database() as url:
        with psycopg.connect(url) as one:
            one.execute("CREATE TABLE django_migrations (app text, name text)")
            one.execute("INSERT INTO django_migrations VALUES (%s, %s)", min(schema.ours()))
        port = free_port("127.0.0.1", 0)
        done = ended((*SERVE, "--port", str(port)), DATABASE_URL=url)
    assert "migrations of this version are missing in the database" in done.stderr


def test_a_database_from_before_the_first_release_is_named() -> None:
    with database() as url:
        with psycopg.connect(url) as one:
            one.execute("CREATE TABLE django_migrations (app text, name text)")
            one.execute("INSERT INTO django_migrations VALUES (%s, %s)", schema.FORMER)
        port = free_port("127.0.0.1", 0)
        done = ended((*SERVE, "--port", str(port)), DATABASE_URL=url)
    assert "made by an earlier state of Yanshu" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - our own
def test_a_port_in_use_is_refused(host: str, *, shared: bool) -> None:
    """Also where its owner shares it, as granian of another version does."""
    with socket.socket() as taken:
        if shared:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = ended((*SERVE, "--port", str(port)))
    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 is in use by process {os.getpid()}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_of_two_that_start_together_one_is_refused() -> None:
    """Neither listens yet when both look."""
    port = free_port("127.0.0.1", 0)
    env = os.environ | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    command = (*SERVE, "--port", str(port), "--workers", "1")
    two = [
        subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        wait_for(lambda: any(one.poll() is not None for one in two), STARTED)
        wait_for(lambda: _answers(port), STARTED)
        assert sorted(str(one.poll()) for one in two) == ["1", "None"]
    finally:
        for one in two:
            one.terminate()
        words = [one.communicate(timeout=STOPPED)[1] for one in two]
    assert any(f"port {port} of 127.0.0.1 is in use" in each for each in words)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["forked", "serving"])
def test_the_web_server_stops_at_once(moment: str, tmp_path: Path) -> None:
    """At any time: right after its workers were forked, and when it serves."""
    port = free_port("127.0.0.1", 0)
    # Nobody answers: whether it is migrated isn't known, so it starts.
    env = os.environ | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            (*SERVE, "--port", str(port)), cwd=ROOT, env=env, stdout=out, stderr=out
        )
    try:
        if moment == "forked":
            wait_for(lambda: psutil.Process(server.pid).children(), STARTED, log.read_text)
        else:
            wait_for(lambda: _answers(port), STARTED, log.read_text)
        server.send_signal(signal.SIGTERM)
        server.wait(STOPPED)
    finally:
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(server.pid).children(recursive=True):
                process.kill()
        server.kill()
        server.wait()
    assert server.returncode in {0, -signal.SIGTERM}


@pytest.mark.slow
def test_each_line_of_a_worker_is_json(tmp_path: Path) -> None:
    """Also Celery's warning about a worker of root, and its line about a stop. Its broker is in
    memory, and nobody answers for the database."""
    env = os.environ | {
        "CELERY_BROKER_URL": "memory://localhost/",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "YANSHU_LOG_FORMAT": "json",
        "YANSHU_VAR": str(tmp_path / "var"),
        "PYTHONWARNINGS": "default",
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        worker = subprocess.Popen(WORKER, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        wait_for(lambda: "control@test ready." in log.read_text(), STARTED, log.read_text)
        worker.send_signal(signal.SIGTERM)
        worker.wait(STOPPED)
    finally:
        worker.kill()
        worker.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    words = [line["message"] for line in lines]
    assert words[-1] == "worker stops"
    assert any("SecurityWarning" in one for one in words) == (os.getuid() == 0)
    assert {line["worker"] for line in lines} == {f"control@test/{worker.pid}"}


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
