"""What runs beside the servers, and how: the command lines that docs/operators names too."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MANAGE = (sys.executable, str(ROOT / "manage.py"))
# Queue and processes of each worker: ticks never wait behind batches, batches never behind imports,
# imports never behind the mail servers of others.
# Two for ticks, as one of them may be freezing the audience of a large campaign for some seconds.
WORKERS = {"control": 2, "send": 2, "work": 2, "mailboxes": 2}


def commands(*, host: str, port: int, sandbox: bool) -> dict[str, tuple[str, ...]]:
    """The command of each program by its name."""
    celery = (str(BIN / "celery"), "-A", "config", "-q")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO")
    programs: dict[str, tuple[str, ...]] = {
        f"worker-{queue}": (
            *(*celery, "worker", *quiet, "-Q", queue),
            *("-c", str(processes), "-n", f"{queue}@%h"),
        )
        for queue, processes in WORKERS.items()
    }
    programs["web"] = (
        *(str(BIN / "granian"), "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "8", "--no-ws", "--respawn-failed-workers"),
        "config.wsgi:application",
    )
    # In memory: a file that a kill left half written would keep beat from starting again.
    programs["beat"] = (*celery, "beat", "-l", "INFO", "--pidfile=", "-S", "celery.beat:Scheduler")
    if sandbox:
        programs["sandbox"] = (*MANAGE, "mail_sandbox")
    return programs
