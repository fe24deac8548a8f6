"""Measures a campaign in a running installation, from its start until its ledger closes."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg

from benchmarks.send import processes
from benchmarks.send.errors import BenchError
from benchmarks.send.sink import Sink
from tests.stack.installation import Installation

# Seconds between two looks at the ledger; a look is one query by primary key.
LOOK_EVERY = 0.05
LEDGER = """
SELECT m.state, extract(epoch FROM m.opened_at), t.targeted, t.waiting, t.in_flight, t.accepted
  FROM campaigns_campaign c
  JOIN sending_mailing m ON m.id = c.mailing_id
  JOIN sending_tally t ON t.mailing_id = m.id
 WHERE c.id = %s
"""
ACCEPTED = 2


@dataclass(slots=True)
class Run:
    """A measured campaign. Moments are seconds since 1970."""

    recipients: int
    began: float
    # The transaction that freezes the audience: its begin and its commit.
    opened: float = 0.0
    frozen: float = 0.0
    # The first message is claimed, the last result is in the ledger, the campaign is finished.
    claimed: float = 0.0
    recorded: float = 0.0
    finished: float = 0.0
    # Microseconds of CPU for each message, while the campaign was sent.
    cpu: dict[str, float] | None = None
    # Bytes of a message at the sink.
    size: float = 0.0
    commands: float = 0.0
    connections: float = 0.0

    @property
    def freeze_seconds(self) -> float:
        return self.frozen - self.opened

    @property
    def sending_seconds(self) -> float:
        return self.recorded - self.claimed

    @property
    def whole_seconds(self) -> float:
        return self.finished - self.began

    @property
    def per_second(self) -> float:
        return self.recipients / self.sending_seconds


def run(installation: Installation, sink: Sink, relay: int, recipients: int, *, wait: float) -> Run:
    """Starts a campaign to `recipients` people and waits for its end, at most `wait` seconds."""
    campaign = installation.call("compose_campaign", recipients, relay)
    sink.reset()
    measured = Run(recipients, time.time())
    installation.call("start", campaign)
    with psycopg.connect(installation.setting("DATABASE_URL"), autocommit=True) as ledger:
        _watch(installation, ledger, campaign, measured, time.monotonic() + wait)
        _check(ledger, campaign, sink, measured)
    return measured


def _watch(
    installation: Installation,
    ledger: psycopg.Connection[Any],
    campaign: int,
    measured: Run,
    end: float,
) -> None:
    before: dict[str, float] = {}
    while not measured.finished:
        row = ledger.execute(LEDGER, [campaign], prepare=True).fetchone()
        if row is not None:
            state, opened, targeted, waiting, in_flight, _accepted = row
            if not measured.frozen:
                measured.opened, measured.frozen = float(opened), time.time()
                before = processes.cpu(installation.family())
            if not measured.claimed and waiting < targeted:
                measured.claimed = time.time()
            if not measured.recorded and waiting + in_flight == 0:
                measured.recorded = time.time()
                after = processes.cpu(installation.family())
                measured.cpu = {
                    part: (after[part] - before[part]) / targeted * 1e6 for part in before
                }
            if state == "finished":
                measured.finished = time.time()
        if time.monotonic() > end:
            raise BenchError(
                f"the campaign is not finished in time; its ledger: {row}\n{_log(installation)}"
            )
        time.sleep(LOOK_EVERY)


def _log(installation: Installation) -> str:
    """The end of the send workers' log: the benchmark removes the directory at its end."""
    lines = (installation.var / "log" / "worker-send.log").read_text().splitlines()
    return "\n".join(lines[-30:])


def _check(ledger: psycopg.Connection[Any], campaign: int, sink: Sink, measured: Run) -> None:
    """Checks that each recipient is there once: in the ledger's rows, its counts, and the sink."""
    rows = ledger.execute(
        "SELECT state, count(*) FROM sending_message WHERE mailing_id ="
        " (SELECT mailing_id FROM campaigns_campaign WHERE id = %s) GROUP BY 1",
        [campaign],
    ).fetchall()
    tally = ledger.execute(LEDGER, [campaign]).fetchone()
    counts = sink.counts()
    wanted = measured.recipients
    if tally is None or rows != [(ACCEPTED, wanted)] or (tally[2], tally[5]) != (wanted, wanted):
        raise BenchError(f"the ledger does not hold {wanted} accepted: {rows}, {tally}")
    if counts["distinct"] != wanted or counts["duplicates"]:
        raise BenchError(f"the sink did not get each of {wanted} once: {counts}")
    assert measured.cpu is not None
    measured.cpu["the sink"] = counts["cpu"] / wanted * 1e6
    measured.size = counts["content"] / wanted
    measured.commands = counts["commands"] / wanted
    measured.connections = counts["connections"] - 1  # without our own, which asks for the counts
