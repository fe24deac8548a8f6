"""The supervisor of `make run`: runs the whole product in the foreground.

It uses the servers that the environment names (DATABASE_URL, CELERY_BROKER_URL), and embedded
servers for the others. This process doesn't set up Django: it holds no connections, and an error in
the apps can't keep it from stopping the parts.
"""

import json
import logging.config
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress

from config import programs
from environment import loading, logs, servers
from environment import readers as settings
from environment.ports import address, free_port
from operations import schema
from quickstart import additions, extra
from quickstart.broker import BrokerError, EmbeddedBroker
from quickstart.exceptions import QuickstartError
from quickstart.lock import only_one
from quickstart.places import PlaceError
from quickstart.postgres import EmbeddedPostgres, PostgresError
from quickstart.processes import ProcessList, Program, put_aside, stop
from quickstart.startsteps import StartStep, Steps

log = logs.get(__name__)

# Seconds that the first start of all parts may take.
READY_WITHIN = 120.0
# Parts of /healthz without which the product has not started.
NEEDED = {"database", "migrations", "broker", "workers", "beat"}
# Seconds between two looks at the parts.
LOOK_EVERY = 0.2


class StartError(QuickstartError):
    """The product can't be started. The text says why and what to do."""


class Supervisor:
    """One run. When `run` ends, for any reason, everything that it started is stopped."""

    def __init__(self, given: dict[str, str], *, say: Callable[[str], None]) -> None:
        self.given = given
        self.env = dict(given)
        self.say = say
        self.steps = Steps(say)
        self.host = settings.text("HOST", "127.0.0.1", given)
        self.wanted_port = settings.integer("PORT", 8000, low=0, high=65535, env=given)
        self.port = self.wanted_port
        self.var = loading.state_directory(given)
        self.logs = self.var / "log"
        self.ledger = ProcessList(self.var / "processes.jsonl")
        self.parts: list[Program] = []
        self.stopping = False
        # Parts of /healthz that don't work, but don't prevent the start.
        self.notes: list[str] = []

    def run(self, *, demo: bool = False) -> None:
        """Blocks until SIGINT, SIGTERM or SIGHUP, or until the product can't be started."""
        self._make_directories()
        with only_one(self.var, self.say):
            self._open_log()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda *_: self._stop())
            if left := self.ledger.left_over():
                self.say(f"Stopping {len(left)} programs that an earlier run left behind.")
                stop(left)
            self.ledger.open()
            try:
                self._start_all(demo=demo)
                self._watch()
            finally:
                log.info("stopping")
                stop(part.group for part in self.parts if part.group)
                self.ledger.close()

    def _stop(self) -> None:
        self.stopping = True

    def _make_directories(self) -> None:
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            # The embedded PostgreSQL may run as another user, who must be able to enter.
            self.var.chmod(0o711)
            self.logs.chmod(0o700)
        except OSError as error:
            raise StartError(
                f"YANSHU_VAR is {self.var}, which can't be used ({error.strerror}); name a "
                "directory that you may write to."
            ) from error

    def _open_log(self) -> None:
        """What it says is for the person at the terminal; the file is for whoever collects logs."""
        path = self.logs / "supervisor.log"
        put_aside(path)
        given = logs.configuration(["quickstart"])
        given["handlers"]["stderr"] |= {"class": "logging.FileHandler", "filename": str(path)}
        logging.config.dictConfig(given)

    def _start_all(self, *, demo: bool) -> None:
        self._complete_environment()
        self._start_servers()
        self._migrate()
        if demo and not self.stopping:
            with self.steps("making the demo workspace"):
                words = self._manage("seed_demo").strip()
            self.say(words)
        if self.stopping:
            return
        with self.steps("starting web server, workers and beat") as step:
            self._start_programs()
            self._wait_until_ready(step)
        if not self.stopping:
            self.say(f"Yanshu is ready: {self.env['YANSHU_URL']}/")
            log.info("ready", url=self.env["YANSHU_URL"])
            for note in self.notes:
                self.say(f"But {note}. See manage.py doctor.")
            self._offer_account()

    def _complete_environment(self) -> None:
        self.port = free_port(self.host, self.wanted_port, keep=True)
        if self.wanted_port not in {0, self.port}:
            self.say(f"Port {self.wanted_port} is taken; using {self.port}.")
        self.env = additions.complete(self.given, var=self.var, host=self.host, port=self.port)
        extra.require(self.env)
        additions.check_settings(self.env)
        servers.check(self.env)

    def _start_servers(self) -> None:
        if not loading.given("DATABASE_URL", self.env):
            postgres = EmbeddedPostgres(self.var / "postgres")
            fresh = "" if postgres.data.exists() else "making and "
            with self.steps(f"{fresh}starting the database"):
                self._start_embedded("database", postgres, signal.SIGINT)
            self.env["DATABASE_URL"] = postgres.url
        if not loading.given("CELERY_BROKER_URL", self.env):
            broker = EmbeddedBroker(self.var / "broker")
            with self.steps("starting the broker"):
                self._start_embedded("broker", broker, signal.SIGTERM)
            self.env["CELERY_BROKER_URL"] = broker.url
        additions.save(self.env, var=self.var, before=self.given)

    def _start_embedded(
        self, name: str, server: EmbeddedPostgres | EmbeddedBroker, stop_signal: signal.Signals
    ) -> None:
        def starter() -> subprocess.Popen[bytes]:
            # A server that already runs isn't in our ledger, so nobody would stop it later.
            server.stop()
            server.start()
            if server.process is None:
                raise StartError(f"The embedded {name} is run by somebody else.")
            return server.process

        log = server.base / "server.log"
        part = Program(name=name, log=log, starter=starter, stop_signal=stop_signal, patience=20)
        self._start(part)

    def _migrate(self) -> None:
        note = self.var / "migrated"
        url = settings.text("DATABASE_URL", None, self.env)
        if self.stopping or schema.is_current(url, note):
            return
        if words := schema.unusable(schema.applied(url) or ()):
            raise StartError(words)
        with self.steps(_migrating(schema.missing(url))):
            self._manage("migrate", "--verbosity", "0")
        schema.mark_current(note)

    def _start_programs(self) -> None:
        commands = programs.commands(
            host=self.host,
            port=self.port,
            sandbox=settings.boolean("YANSHU_SANDBOX", default=False, env=self.env),
        )
        for name, command in commands.items():
            log = self.logs / f"{name}.log"
            self._start(Program(name, log, command, self.env, programs.ROOT))

    def _start(self, part: Program) -> None:
        self.parts.append(part)
        part.start()
        self._note(part)

    def _note(self, part: Program) -> None:
        if part.group:
            self.ledger.note(part.group)
        log.info("part started", part=part.name, pid=part.process and part.process.pid)

    def _manage(self, *command: str) -> str:
        """Runs a management command. If it fails, its last line becomes the error."""
        done = subprocess.run(
            [*programs.MANAGE, *command],
            env=self.env,
            cwd=programs.ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 and not self.stopping:
            log = self.logs / "commands.log"
            log.write_text(done.stdout + done.stderr)
            words = (done.stderr or done.stdout).strip().splitlines() or ["no reason was given"]
            raise StartError(f"manage.py {command[0]} failed: {words[-1]} (all of it: {log})")
        return done.stdout

    def _wait_until_ready(self, step: StartStep) -> None:
        end = time.monotonic() + READY_WITHIN
        while not self.stopping and (missing := self._missing_parts()):
            if time.monotonic() > end:
                raise StartError(
                    f"not ready within {READY_WITHIN:.0f} s: {missing}. Logs: {self.logs}"
                )
            step.detail = missing
            self._restart_dead()
            time.sleep(LOOK_EVERY)

    def _missing_parts(self) -> str:
        """The parts of NEEDED that don't work according to /healthz; "" if all work. Other parts
        that don't work become `notes`: a restored database, for example, must not prevent the
        start."""
        try:
            with urllib.request.urlopen(f"{address(self.host, self.port)}/healthz", timeout=5):
                return ""
        except urllib.error.HTTPError as error:
            with suppress(ValueError, KeyError):
                parts = json.load(error)["parts"]
                ill = {name: part["detail"] for name, part in parts.items() if not part["ok"]}
                missing = [f"{name}: {ill[name]}" for name in ill if name in NEEDED]
                if not missing:
                    self.notes = [f"{name}: {detail}" for name, detail in ill.items()]
                return "; ".join(missing)
            return f"the web server answers {error.code}"
        except OSError:
            return "the web server doesn't answer"

    def _offer_account(self) -> None:
        """Prints the link that creates the owner's account, if no account exists."""
        try:
            link = self._manage("setup_link").strip()
        except StartError as error:
            self.say(str(error))
            return
        if link:
            self.say(f"Create the owner's account (the link works once): {link}")

    def _watch(self) -> None:
        while not self.stopping:
            self._restart_dead()
            self.ledger.keep_guard()
            time.sleep(LOOK_EVERY)

    def _restart_dead(self) -> None:
        for part in self.parts:
            if self.stopping or not part.died():
                continue
            if part.next_start is None:
                pause = part.plan_restart()
                log.warning("part ended", part=part.name, how=_how(part), pause=pause)
                self.say(
                    f"{part.name} ended ({_how(part)}); starting it again in {pause:g} s. "
                    f"Its log: {part.log}"
                )
                # Its orphaned children still hold its port, its queue or its memory.
                stop([part.group] if part.group else [])
            elif time.monotonic() >= part.next_start:
                self._start_again(part)

    def _start_again(self, part: Program) -> None:
        try:
            part.start()
        except (PostgresError, BrokerError, PlaceError, OSError) as error:
            part.process = None
            self.say(f"{part.name}: {error}")
            log.warning("part could not be started", part=part.name, error=error)
            return
        self._note(part)


def _migrating(missing: int | None) -> str:
    return f"bringing the database up to date ({missing} migrations)" if missing else "migrating"


def _how(part: Program) -> str:
    code = part.process.returncode if part.process else None
    if code is None:
        return "it did not start"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
