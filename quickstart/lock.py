"""Allows only one `manage.py up` for a state directory."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from environment import envfile
from environment.readers import SettingError
from quickstart.exceptions import QuickstartError

# Seconds that the guard of a killed run may need to stop the programs that are left.
PATIENCE = 60.0


class LockedError(QuickstartError):
    """Another process holds the directory. The text names it and says what to do."""


@contextmanager
def only_one(var: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Locks `var` as long as this process or the guard that it forks lives."""
    with (var / "lock").open("a+") as file:
        _take(file.fileno(), var, say)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _take(descriptor: int, var: Path, say: Callable[[str], None]) -> None:
    begun = time.monotonic()
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _runs(pid := _holder(var)):
                raise LockedError(
                    f"Yanshu already runs on {var} (process {pid}{_address(var)}). Stop it, or set "
                    "YANSHU_VAR to another directory."
                ) from None
            if time.monotonic() > begun + PATIENCE:
                raise LockedError(
                    f"An earlier run on {var} is still being stopped; try again."
                ) from None
        else:
            return
        if not told:
            say("An earlier run was killed; waiting until what it left is stopped.")
            told = True
        time.sleep(0.1)


def _address(var: Path) -> str:
    """The URL of the other run, if it has one already."""
    with suppress(SettingError):
        if url := envfile.read(var / "environment").get("YANSHU_URL"):
            return f", {url}/"
    return ""


def _holder(var: Path) -> int:
    with suppress(ValueError, OSError):
        return int((var / "lock").read_text())
    return 0


def _runs(pid: int) -> bool:
    with suppress(psutil.Error):
        return pid > 0 and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
