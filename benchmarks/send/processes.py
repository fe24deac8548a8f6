"""CPU time and memory of an installation's processes, by part of the product."""

from contextlib import suppress
from pathlib import Path

import psutil

SEND, DATABASE, REST = "send workers", "PostgreSQL", "the rest"
PARTS = (SEND, DATABASE, REST)


def cpu(family: list[psutil.Process]) -> dict[str, float]:
    """{part: seconds of CPU}. A parent's figure includes that of its ended children."""
    seconds = dict.fromkeys(PARTS, 0.0)
    for process in family:
        with suppress(psutil.Error):
            seconds[_part(process)] += sum(process.cpu_times()[:4])
    return seconds


def send_workers(family: list[psutil.Process]) -> list[psutil.Process]:
    """The sending processes: children of the worker's main process."""
    found: dict[psutil.Process, int] = {}
    for process in family:
        # The process may have ended since the family was listed.
        with suppress(psutil.Error):
            if _part(process) == SEND:
                found[process] = process.ppid()
    return [process for process in found if process.pid not in found.values()]


def peak_mb(process: psutil.Process) -> float:
    """Its peak resident memory in MiB, including shared pages."""
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(kilobytes) / 1024


def _part(process: psutil.Process) -> str:
    if process.name() == "postgres":
        return DATABASE
    return SEND if "-Q send" in " ".join(process.cmdline()) else REST
