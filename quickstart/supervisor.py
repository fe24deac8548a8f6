"""What `make run` runs: the whole product in the foreground, under one supervisor.

Servers that the environment names (DATABASE_URL, CELERY_BROKER_URL) are used; the others are
embedded under the state directory. Django is not set up in this process: it must not hold
connections, and a broken setting must not keep it from stopping what runs.
"""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from config import env as settings
from quickstart.broker import BrokerError, EmbeddedBroker
from quickstart.postgres import EmbeddedPostgres, PostgresError
from quickstart.processes import Ledger, Part, group_of, stop

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
READY_WITHIN = 90.0


class StartError(Exception):
    """The product can't be started; the text says why and what to do."""


class Supervisor:
    def __init__(self, environment: dict[str, str], *, say: Callable[[str], None]) -> None:
        self.env = environment
        self.say = say
        self.host = settings.text("HOST", "127.0.0.1", environment)
        self.wanted_port = settings.integer("PORT", 8000, low=0, high=65535, env=environment)
        self.var = Path(settings.text("YANSHU_VAR", str(ROOT / "var"), environment)).absolute()
        self.logs = self.var / "log"
        self.parts: list[Part] = []
        self.stopping = False

    def run(self, *, demo: bool = False) -> None:
        """Blocks until a signal or until a part can't be started."""
        self._make_directories()
        with _OnlyOne(self.var):
            self.ledger = Ledger(self.var / "processes.jsonl")
            if left := self.ledger.left_over():
                self.say(f"Stopping {len(left)} processes that an earlier run left behind.")
                stop(left)
            self.ledger.clear()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._on_signal)
            try:
                self._start_all(demo=demo)
                self._watch()
            finally:
                stop(group for part in self.parts if (group := group_of(part)))
                self.ledger.guard.dismiss()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _make_directories(self) -> None:
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            # The embedded PostgreSQL may run as another user and must be able to pass.
            self.var.chmod(0o711)
        except OSError as error:
            raise StartError(
                f"YANSHU_VAR: {self.var} can't be made ({error.strerror}); name a directory that "
                "you may write to."
            ) from error

    def _start_all(self, *, demo: bool) -> None:
        self._set_defaults()
        self._start_servers()
        self._manage("migrate", "--verbosity", "0")
        if demo:
            self._manage("seed_demo")
        for part in self._programs():
            self._start(part)
        self._wait_until_ready()
        self.say(f"Yanshu is ready: {self.env['YANSHU_URL']}/")
        link = self._manage("setup_link").strip()
        if link:
            self.say(f"Create the owner's account (this link works once): {link}")

    def _set_defaults(self) -> None:
        embedded = "DATABASE_URL" not in self.env and "DATABASE_URL_FILE" not in self.env
        self.port = free_port(self.host, self.wanted_port)
        if self.wanted_port not in {0, self.port}:
            self.say(f"Port {self.wanted_port} is taken; using {self.port}.")
        shown = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        defaults = {
            "YANSHU_VAR": str(self.var),
            "YANSHU_URL": f"http://{shown}:{self.port}",
            "YANSHU_SANDBOX": "1" if embedded else "0",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        }
        self.env = defaults | self.env
        if "YANSHU_SECRET_KEY" not in self.env and "YANSHU_SECRET_KEY_FILE" not in self.env:
            self.env["YANSHU_SECRET_KEY_FILE"] = str(_secret_key(self.var))
        for name, port in (("SMTP", 8025), ("IMAP", 8143)):
            key = f"YANSHU_SANDBOX_{name}_PORT"
            if key not in self.env:
                self.env[key] = str(_kept_port(self.var / f"sandbox-{name.lower()}-port", port))

    def _start_servers(self) -> None:
        if "DATABASE_URL" not in self.env and "DATABASE_URL_FILE" not in self.env:
            postgres = EmbeddedPostgres(self.var / "postgres")
            self._start_embedded("PostgreSQL", postgres, signal.SIGINT)
            self.env["DATABASE_URL"] = postgres.url
        if "CELERY_BROKER_URL" not in self.env and "CELERY_BROKER_URL_FILE" not in self.env:
            broker = EmbeddedBroker(self.var / "broker")
            self._start_embedded("broker", broker, signal.SIGTERM)
            self.env["CELERY_BROKER_URL"] = broker.url

    def _start_embedded(
        self, name: str, server: EmbeddedPostgres | EmbeddedBroker, stop_signal: signal.Signals
    ) -> None:
        def starter() -> subprocess.Popen[bytes] | None:
            server.process = None
            server.start()
            return server.process

        self._start(
            Part(
                name=name,
                command=[],
                env={},
                log=self.logs / f"{name}.log",
                stop_signal=stop_signal,
                patience=20,
                starter=starter,
            )
        )

    def _start(self, part: Part) -> None:
        part.start()
        self.parts.append(part)
        self.ledger.note(part)

    def _manage(self, *command: str) -> str:
        """Runs a management command to its end; its last words become the error when it fails."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *command],
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            words = (done.stderr or done.stdout).strip().splitlines() or ["no reason was given"]
            raise StartError(f"{words[-1]}\n(from: manage.py {command[0]})")
        return done.stdout

    def _programs(self) -> list[Part]:
        celery = [str(BIN / "celery"), "-A", "config", "-q"]
        worker = [*celery, "worker", "--without-gossip", "--without-mingle", "-l", "INFO"]
        commands = {
            "web": [
                str(BIN / "granian"),
                *("--interface", "wsgi", "--host", self.host, "--port", str(self.port)),
                *("--workers", "1", "--blocking-threads", "8", "--no-ws"),
                "config.wsgi:application",
            ],
            "worker-control": [*worker, "-Q", "control", "-c", "1", "-n", "control@%h"],
            "worker-send": [*worker, "-Q", "send", "-c", "2", "-n", "send@%h"],
            "worker-work": [*worker, "-Q", "work", "-c", "2", "-n", "work@%h"],
            "beat": [*celery, "beat", "-l", "INFO", "--pidfile=", "-s", str(self.var / "beat")],
        }
        if settings.boolean("YANSHU_SANDBOX", default=False, env=self.env):
            commands["sandbox"] = [sys.executable, str(ROOT / "manage.py"), "mail_sandbox"]
        return [
            Part(name, command, self.env, self.logs / f"{name}.log", cwd=ROOT)
            for name, command in commands.items()
        ]

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_WITHIN
        while not self.stopping:
            missing = self._missing_parts()
            if not missing:
                return
            if time.monotonic() > end:
                raise StartError(f"Not ready within {READY_WITHIN:.0f} s: {missing}. See {self.logs}.")
            self._restart_dead()
            time.sleep(0.1)

    def _missing_parts(self) -> str:
        """What /healthz names as not working; empty when all is well."""
        url = f"http://{_reachable(self.host)}:{self.port}/healthz"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return ""
        except urllib.error.HTTPError as error:
            with suppress(ValueError):
                parts = json.load(error)["parts"]
                return ", ".join(name for name, part in parts.items() if not part["ok"])
            return f"the web server answers {error.code}"
        except OSError:
            return "the web server"

    def _watch(self) -> None:
        while not self.stopping:
            self._restart_dead()
            time.sleep(0.2)

    def _restart_dead(self) -> None:
        for part in self.parts:
            if part.process is None or not part.died():
                continue
            if part.next_start == 0.0:
                code = part.process.returncode
                pause = part.plan_restart()
                self.say(f"{part.name} ended ({_how(code)}); starting it again in {pause:g} s.")
            if time.monotonic() >= part.next_start:
                part.next_start = 0.0
                try:
                    part.start()
                except (PostgresError, BrokerError) as error:
                    self.say(str(error))
                self.ledger.note(part)


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104


class _OnlyOne:
    """Holds the state directory for one supervisor; a second one is refused."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.file: IO[str] | None = None

    def __enter__(self) -> None:
        self.file = (self.var / "lock").open("a+")
        # The guard of a run that was killed holds it too, until it has stopped what was left.
        for _ in range(300):
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if _running(pid := self._pid()):
                    raise StartError(
                        f"Yanshu already runs on {self.var} (process {pid}). Stop it, or set "
                        "YANSHU_VAR to another directory."
                    ) from None
                time.sleep(0.1)
            else:
                self.file.truncate(0)
                self.file.write(str(os.getpid()))
                self.file.flush()
                return
        raise StartError(f"An earlier run on {self.var} is still being stopped; try again.")

    def _pid(self) -> int:
        assert self.file is not None
        self.file.seek(0)
        return int(self.file.read() or 0)

    def __exit__(self, *_: object) -> None:
        assert self.file is not None
        self.file.close()


def _running(pid: int) -> bool:
    with suppress(psutil.Error):
        return pid > 0 and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _secret_key(var: Path) -> Path:
    path = var / "secret-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path


def free_port(host: str, wanted: int) -> int:
    """`wanted` if it can be listened on, else another."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except PermissionError as error:
                raise StartError(f"PORT is {wanted}, which needs root; use 1024 or more.") from error
            except OSError as error:
                if port == 0:
                    raise StartError(f"HOST is {host!r}, which can't be listened on here.") from error
            else:
                return int(probe.getsockname()[1])
    raise AssertionError


def _kept_port(path: Path, wanted: int) -> int:
    """The port of the last start, as relays and mailboxes name it; the first time a free one."""
    if path.exists():
        return int(path.read_text())
    port = free_port("127.0.0.1", wanted)
    path.write_text(str(port))
    return port
