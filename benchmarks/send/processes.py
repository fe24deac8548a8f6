"""CPU time and memory of an installation's processes, by what they are for."""

from contextlib import suppress
from pathlib import Path

import psutil

SEND, DATABASE, REST = "send workers", "PostgreSQL", "the rest"
PARTS = (SEND, DATABASE, REST)


def cpu(family: list[psutil.Process]) -> dict[str, float]:
    """Seconds by part. A parent's figure holds its dead children's, so none is lost."""
    seconds = dict.fromkeys(PARTS, 0.0)
    for process in family:
        with suppress(psutil.Error):
            seconds[_part(process)] += sum(process.cpu_times()[:4])
    return seconds


def send_workers(family: list[psutil.Process]) -> list[psutil.Process]:
    """The processes that send: children of the one that started them."""
    found: dict[psutil.Process, int] = {}
    for process in family:
        # One that ended since the family was asked for.
        with suppress(psutil.Error):
            if _part(process) == SEND:
                found[process] = process.ppid()
    return [process for process in found if process.pid not in found.values()]


def peak_mb(process: psutil.Process) -> float:
    """The largest its resident memory ever was, in MiB (pages that it shares are counted)."""
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(kilobytes) / 1024


def _part(process: psutil.Process) -> str:
    if process.name() == "postgres":
        return DATABASE
    return SEND if "-Q send" in " ".join(process.cmdline()) else REST
