"""A process with the engine loaded that forks workers: each starts in milliseconds, has a journal
and database connections of its own, and can be killed like any other.

Reads lines of JSON, answers each with another: {"start": "engine" | "celery", ...} with {"pid"},
{"wait": pid} with {"status"} once that worker ended, {"clear": true} with {"killed"} when none
lives any more. Ends, with all of them, with its input.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import django
from django.conf import settings

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def main() -> None:
    django.setup()
    from tests.sending.engine.faults import work  # noqa: PLC0415 - needs the set-up

    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a worker prints is no answer
    children: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            pid = _fork(work.KINDS[order.pop("start")], order)
            children.add(pid)
            answer = {"pid": pid}
        elif "clear" in order:
            answer = {"killed": len(children)}
            _kill(children)
        else:
            _, status = os.waitpid(order["wait"], 0)
            children.discard(order["wait"])
            answer = {"status": os.waitstatus_to_exitcode(status)}
        out.write(json.dumps(answer) + "\n")
        out.flush()
    _kill(children)


def _kill(children: set[int]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):  # it had not come so far as to have a group
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    children.clear()


def _fork(work: Callable[..., None], order: dict[str, Any]) -> int:
    # What is sent to it before it listens waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return pid
    code = 1
    try:
        os.setsid()
        # Orders are not for it; and libuv bears no other file under this number.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        settings.VAR = Path(order.pop("var"))
        work(**order)
        code = 0
    except BaseException:  # noqa: BLE001 - the nursery's own loop must not go on in a worker
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
