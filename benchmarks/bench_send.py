"""Measures how fast a campaign goes out, compared with Postfix's smtp-source into the same sink.

    make bench-send
    make bench-send OPTIONS="--quick"
    python -m benchmarks.bench_send [--recipients N] [--far N] [--rounds N] [--quick]

It starts a whole installation in a temporary directory (`manage.py up`: embedded PostgreSQL and
broker, two sending processes), and starts campaigns in it as the page does. Each round has, one
after the other, a campaign into our sink (benchmarks/sink.c), smtp-source with as many messages of
the same size into the same sink, and a campaign into a sink that is 50 ms away. After each, the
ledger must be closed, and the sink must have got each recipient once. Before the rounds, each stage
of sending is measured alone. All programs share the machine's processors, so other work on the
machine changes the figures, but their ratio less.

"messages a second" counts from the first claimed message to the last result in the ledger. The last
line is JSON.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.send import path, processes, programs, sink, source
from benchmarks.send.errors import BenchError
from benchmarks.send.table import Results, summary, table
from tests.stack.installation import Installation
from tests.stack.installation import running as installed

WEIGHT = """
SELECT pg_database_size(current_database()), sum(pg_total_relation_size(inhrelid))
  FROM pg_inherits WHERE inhparent = 'sending_message'::regclass
"""
CONNECTIONS = 10
ROUND_TRIP = 0.05
SIZES = {"recipients": 100_000, "far": 5_000, "stages": 20_000, "rounds": 3}
QUICK = {"recipients": 20_000, "far": 2_000, "stages": 5_000, "rounds": 1}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one small round")
    parser.add_argument("--recipients", type=int)
    parser.add_argument("--far", type=int, help="recipients at 50 ms")
    parser.add_argument("--stages", type=int, help="messages; 0: no stages")
    parser.add_argument("--rounds", type=int)
    given = parser.parse_args()
    sizes = QUICK if given.quick else SIZES
    for name, value in sizes.items():
        if getattr(given, name) is None:
            setattr(given, name, value)
    return given


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def stages(program: Path, messages: int) -> dict[str, dict[str, float]]:
    """Measures the stages in a process of its own, because Django reads its settings only once."""
    with sink.running(program) as near:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.send.stages", str(messages), str(near.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, words = process.communicate()
        except BaseException:
            # On SIGINT it also stops its PostgreSQL; on SIGKILL it could not.
            process.send_signal(signal.SIGINT)
            process.wait(30)
            raise
    if process.returncode:
        raise BenchError(f"the stages can't be measured: {words.decode().strip()}")
    measured: dict[str, dict[str, float]] = json.loads(out.splitlines()[-1])
    return measured


class Bench:
    """Two sinks, an installation with a relay to each, and the results."""

    def __init__(self, given: argparse.Namespace, smtp_source: str) -> None:
        self.given = given
        self.smtp_source = smtp_source
        self.results = Results(given.recipients, round_trip=ROUND_TRIP, connections=CONNECTIONS)

    def run(self, program: Path) -> None:
        if self.given.stages:
            say(f"Measuring each stage with {self.given.stages:,} messages.")
            self.results.stages = stages(program, self.given.stages)
        with ExitStack() as stack:
            self.near = stack.enter_context(sink.running(program))
            self.far = stack.enter_context(sink.running(program, delay=ROUND_TRIP))
            say("Bringing an installation up.")
            self.installation = stack.enter_context(installed(scene="benchmarks.send.scene"))
            self._prepare(self.installation)
            for number in range(self.given.rounds):
                self._round(number + 1)
            family = self.installation.family()
            self.results.rss = [
                processes.peak_mb(worker) for worker in processes.send_workers(family)
            ]
            self.results.database, self.results.ledger = self.installation.rows(WEIGHT)[0]

    def _prepare(self, installation: Installation) -> None:
        say(f"Making {self.given.recipients:,} people.")
        installation.call("prepare", sorted({self.given.recipients, self.given.far}))
        self.near_relay = installation.call("add_relay", self.near.port, CONNECTIONS)
        self.far_relay = installation.call("add_relay", self.far.port, CONNECTIONS)

    def _round(self, number: int) -> None:
        of = f"Round {number} of {self.given.rounds}"
        say(f"{of}: a campaign to {self.given.recipients:,}.")
        patience = 60 + self.given.recipients / 200
        near = path.run(
            self.installation, self.near, self.near_relay, self.given.recipients, wait=patience
        )
        say(f"{of}: {near.per_second:,.0f} a second. smtp-source.")
        self.results.near.append(near)
        self.results.source.append(self._source(round(near.size)))
        say(f"{of}: a campaign to {self.given.far:,}, {ROUND_TRIP * 1000:.0f} ms away.")
        patience = 60 + self.given.far / 10
        self.results.far.append(
            path.run(self.installation, self.far, self.far_relay, self.given.far, wait=patience)
        )

    def _source(self, size: int) -> float:
        """Messages a second of smtp-source, with its best number of sessions on this machine."""
        if not self.results.best:
            trial = max(self.given.recipients // 4, 1000)
            self.results.sessions = source.best_sessions(
                self.smtp_source, self.near, messages=trial, size=size
            )
            self.results.best = max(self.results.sessions, key=self.results.sessions.__getitem__)
        return source.run(
            self.smtp_source,
            self.near,
            messages=self.given.recipients,
            size=size,
            sessions=self.results.best,
        ).per_second


def main() -> None:
    given = options()
    # SIGTERM stops all started programs, like Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        smtp_source, compiler = programs.require()
    except BenchError as error:
        say(f"bench-send: {error}")
        sys.exit(2)
    bench = Bench(given, smtp_source)
    try:
        with tempfile.TemporaryDirectory(prefix="yanshu-bench-") as directory:
            bench.run(programs.build_sink(compiler, Path(directory)))
    except BenchError as error:
        say(f"bench-send: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    print(table(bench.results))
    print(summary(bench.results))


if __name__ == "__main__":
    main()
