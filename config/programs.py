"""The command lines of the web server, workers, beat and sandbox. docs/operators names them,
too."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MANAGE = (sys.executable, str(ROOT / "manage.py"))
# {queue: processes of its worker}. Each queue has its own worker, so ticks never wait behind
# batches, batches never behind imports, and imports never behind foreign mail servers. `control`
# has two processes, because one may be freezing the audience of a large campaign for some seconds.
WORKERS = {"control": 2, "send": 2, "work": 2, "mailboxes": 3}

# A schedule in memory: a half-written file after a kill would keep beat from starting again.
SCHEDULER = "operations.outages:Scheduler"
# Seconds that a stopped web process may take to finish its requests.
WEB_STOPS_WITHIN = 10


def granian(*, host: str, port: int, workers: int) -> tuple[str, ...]:
    """The command of the web server itself, which `manage.py serve` executes."""
    return (
        # As a module it finds the formatter of its log in our directory.
        *(sys.executable, "-m", "granian", "--log-config", str(ROOT / "config" / "granian.json")),
        *("--interface", "asginl", "--host", host, "--port", str(port)),
        # There are only 1,024 connections, so idle ones without a request are closed soon. granian
        # does that for HTTP/1 only. A proxy can speak HTTP/2 with browsers.
        *("--workers", str(workers), "--http", "1", "--no-ws"),
        *("--http1-header-read-timeout", "10000"),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(WEB_STOPS_WITHIN)),
        "config.web:application",
    )


def commands(*, host: str, port: int, sandbox: bool) -> dict[str, tuple[str, ...]]:
    """{name of a program: its command}."""
    celery = (str(BIN / "celery"), "-A", "config", "-q")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    programs: dict[str, tuple[str, ...]] = {
        f"worker-{queue}": (
            *(*celery, "worker", *quiet, "-Q", queue),
            *("-c", str(processes), "-n", f"{queue}@%h"),
        )
        for queue, processes in WORKERS.items()
    }
    programs["web"] = (*MANAGE, "serve", "--host", host, "--port", str(port), "--workers", "1")
    programs["beat"] = (*celery, "beat", "--pidfile=", "-S", SCHEDULER)
    if sandbox:
        programs["sandbox"] = (*MANAGE, "mail_sandbox")
    return programs
