"""The servers that tests run on, real ones: a pytest plugin that is loaded before Django's.

PostgreSQL is started before the settings are read, once for a run (each xdist worker has databases
of its own on it), in a temporary directory; a process of its own stops it when the run ends,
however it ends. The broker is started when a test asks for `broker_url`.

YANSHU_TEST_PG_BIN names the binaries of another PostgreSQL to start instead of the embedded one's
(/usr/lib/postgresql/15/bin); YANSHU_TEST_DATABASE_URL a server that runs already.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from quickstart.broker import EmbeddedBroker
from quickstart.postgres import EmbeddedPostgres

# Set by xdist in its workers, which share the server of the process that started them.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
BASE_NAME = "YANSHU_TEST_BASE"
# Waits for its standard input to close, which the kernel does when its parent dies.
REAPER = """
import psutil, shutil, sys
from pathlib import Path
base = Path(sys.argv[1])
sys.stdin.read()
for line in (base / "servers").read_text().splitlines():
    pid, created = line.split()
    try:
        process = psutil.Process(int(pid))
        if process.create_time() == float(created):
            family = [process, *process.children(recursive=True)]
            [each.kill() for each in family]
            psutil.wait_procs(family, timeout=10)
    except psutil.NoSuchProcess:
        pass
for directory in (base, *sys.argv[2:]):
    shutil.rmtree(directory, ignore_errors=True)
"""


class GivenPostgres(EmbeddedPostgres):
    """Of the binaries in YANSHU_TEST_PG_BIN."""

    # Before PostgreSQL 17 no locale is built in.
    locale = ("--locale=C.UTF-8",)

    def _find_binaries(self) -> Path:
        return Path(os.environ["YANSHU_TEST_PG_BIN"])


class Servers:
    """What one run of pytest started."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.var = base / f"var{WORKER}"
        self.reaper: subprocess.Popen[bytes] | None = None
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self.base.chmod(0o755)  # the unprivileged user that PostgreSQL runs as must get in
        kind = GivenPostgres if os.environ.get("YANSHU_TEST_PG_BIN") else EmbeddedPostgres
        postgres = kind(self.base / "postgres", fast=True)
        (self.base / "servers").touch()
        self.reaper = subprocess.Popen(
            [sys.executable, "-c", REAPER, str(self.base), str(postgres.socket_dir)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        if given := os.environ.get("YANSHU_TEST_DATABASE_URL"):
            os.environ["DATABASE_URL"] = given
            return
        postgres.start()
        self.remember(postgres.process)
        os.environ["DATABASE_URL"] = postgres.url

    def remember(self, process: subprocess.Popen[bytes] | None) -> None:
        """The reaper stops it in the end, if nobody did before."""
        assert process is not None
        self.started.append(process)
        with (self.base / "servers").open("a") as file:
            file.write(f"{process.pid} {psutil.Process(process.pid).create_time()!r}\n")

    def set_environment(self) -> None:
        self.var.mkdir()
        os.environ["YANSHU_VAR"] = str(self.var)
        os.environ["YANSHU_SECRET_KEY"] = "only-for-tests-" + "x" * 40
        # The .env of whoever runs the tests is not for them.
        os.environ["YANSHU_SETTINGS"] = os.devnull
        # Nothing listens there: a test that needs a broker asks for `broker_url`.
        os.environ["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"
        for name in ("YANSHU_URL", "YANSHU_SANDBOX", "YANSHU_HOSTS", "YANSHU_DEBUG", "EMAIL_URL"):
            os.environ.pop(name, None)

    def stop(self) -> None:
        if self.reaper is None:
            return
        assert self.reaper.stdin is not None
        self.reaper.stdin.close()
        self.reaper.wait(30)
        for process in self.started:
            process.wait(30)


def _servers() -> Servers:
    if WORKER:
        servers = Servers(Path(os.environ[BASE_NAME]))
    else:
        servers = Servers(Path(tempfile.mkdtemp(prefix="yanshu-test-")))
        os.environ[BASE_NAME] = str(servers.base)
        servers.start()
    servers.set_environment()
    return servers


# At import: `-p tests.servers` comes before pytest-django looks for the settings.
SERVERS = _servers()


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """A Valkey of our own, empty."""
    broker = EmbeddedBroker(SERVERS.base / f"broker{WORKER}")
    broker.start()
    SERVERS.remember(broker.process)
    yield broker.url
    broker.stop()


def pytest_unconfigure() -> None:
    SERVERS.stop()
