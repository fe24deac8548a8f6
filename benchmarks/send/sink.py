"""Runs our SMTP sink (benchmarks/sink.c) as a process, and reads its counts."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.send.errors import BenchError

FIGURE = re.compile(rb"(\w+)=([\d.]+)")


@dataclass(slots=True)
class Sink:
    port: int
    pid: int
    # Seconds from a command to its reply.
    round_trip: float = 0.0

    def counts(self) -> dict[str, float]:
        """messages, distinct, duplicates, refused, bytes, content (bytes), commands, connections,
        cpu (seconds), first and last (when a mail was accepted, seconds since 1970)."""
        return {name.decode(): float(value) for name, value in FIGURE.findall(self._ask(b"XSTAT"))}

    def reset(self) -> None:
        self._ask(b"XRESET")

    def _ask(self, command: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 10) as wire:
            replies = wire.makefile("rb")
            replies.readline()
            wire.sendall(command + b"\r\n")
            return replies.readline()


@contextmanager
def running(program: Path, *options: str, delay: float = 0.0) -> Iterator[Sink]:
    """`options`: see sink.c. `delay`: the round trip in seconds."""
    process = subprocess.Popen(
        [program, "-e", "-p", "0", "-d", str(delay * 1000), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            if not said.startswith(b"listening on "):
                raise BenchError("the sink did not start")
            yield Sink(int(said.split()[-1]), process.pid, delay)
        finally:
            process.kill()
