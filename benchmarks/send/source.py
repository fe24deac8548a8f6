"""Runs Postfix's smtp-source into our sink: the rate of a C program that only sends."""

import subprocess
import time
from dataclasses import dataclass

from benchmarks.send.errors import BenchError
from benchmarks.send.sink import Sink

# Numbers of sessions to try; the best one depends on the machine's cores.
SESSIONS = (10, 20, 50)
# Bytes of the headers that smtp-source adds to its payload.
HEADERS = 120


@dataclass(frozen=True, slots=True)
class Figures:
    per_second: float
    # Microseconds of the sink's CPU for each message.
    sink_us: float


def best_sessions(program: str, sink: Sink, *, messages: int, size: int) -> dict[int, float]:
    """{sessions: messages a second}"""
    return {
        sessions: run(program, sink, messages=messages, size=size, sessions=sessions).per_second
        for sessions in SESSIONS
    }


def run(program: str, sink: Sink, *, messages: int, size: int, sessions: int) -> Figures:
    """Sends `messages` of `size` bytes, each to one recipient. Connections are kept open (-d), its
    fastest mode."""
    sink.reset()
    place = f"127.0.0.1:{sink.port}"
    command = [program, "-d", "-N", "-s", str(sessions), "-m", str(messages)]
    command += ["-l", str(max(size - HEADERS, 80)), "-f", "news@brand.example"]
    command += ["-t", "person@mail.example", place]
    began = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    counts = sink.counts()
    if ended.returncode or counts["distinct"] != messages:
        raise BenchError(f"smtp-source ended early: {ended.stderr.strip()[-500:]}")
    return Figures(messages / seconds, counts["cpu"] / messages * 1e6)
