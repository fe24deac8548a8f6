"""The servers that tests run on, real ones: a pytest plugin that is loaded before Django's.

PostgreSQL is started before the settings are read, one for each xdist worker, in a temporary
directory; a process of its own stops it when this one ends, however it ends. The broker is started
when a test asks for `broker_url`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from quickstart.broker import EmbeddedBroker
from quickstart.postgres import EmbeddedPostgres

BASE = Path(tempfile.mkdtemp(prefix="yanshu-test-"))
# Waits for its standard input to close, which the kernel does when the parent dies.
REAPER = """
import os, shutil, signal, sys
sys.stdin.read()
for line in open(sys.argv[1] + "/pids").read().split():
    try: os.kill(int(line), signal.SIGQUIT)
    except ProcessLookupError: pass
shutil.rmtree(sys.argv[1], ignore_errors=True)
shutil.rmtree(sys.argv[2], ignore_errors=True)
"""


def _remember(pid: int) -> None:
    with (BASE / "pids").open("a") as file:
        file.write(f"{pid}\n")


def _start_postgres() -> EmbeddedPostgres:
    # The unprivileged user that the server runs as must reach its directory.
    BASE.chmod(0o755)
    server = EmbeddedPostgres(BASE / "pg", fast=True)
    server.start()
    assert server.process is not None
    _remember(server.process.pid)
    reaper = subprocess.Popen(
        [sys.executable, "-c", REAPER, str(BASE), str(server.socket_dir)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    globals()["_reaper"] = reaper  # its standard input stays open as long as we live
    return server


def _set_environment() -> None:
    os.environ["YANSHU_VAR"] = str(BASE / "var")
    (BASE / "var").mkdir()
    os.environ["YANSHU_SECRET_KEY"] = "only-for-tests-" + "x" * 40
    os.environ.setdefault("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    if given := os.environ.get("YANSHU_TEST_DATABASE_URL"):
        os.environ["DATABASE_URL"] = given
    else:
        os.environ["DATABASE_URL"] = _start_postgres().url


# At import: `-p tests.servers` comes before pytest-django looks for the settings. The xdist
# controller runs no test and needs no server.
_set_environment()


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """A Valkey of our own, empty."""
    broker = EmbeddedBroker(BASE / "broker")
    broker.start()
    assert broker.process is not None
    _remember(broker.process.pid)
    yield broker.url
    broker.stop()


def pytest_unconfigure() -> None:
    reaper = globals().get("_reaper")
    if reaper is not None:
        reaper.stdin.close()
        reaper.wait(20)
    shutil.rmtree(BASE, ignore_errors=True)
