"""The benchmark's results: medians over rounds, as a table and as one JSON object."""

import json
from dataclasses import dataclass, field
from statistics import median

from benchmarks.send.path import Run
from benchmarks.send.processes import PARTS

SINK = "the sink"
# "fields" is measured twice: alone, and as part of "claim".
PART_OF_CLAIM = "fields"
LABELS = {PART_OF_CLAIM: "  fields, which are part of the claim"}
# The processes whose CPU time is measured.
WHO = ("python", "postgres")


@dataclass(slots=True)
class Results:
    recipients: int
    # {sessions of smtp-source: messages a second} of the trial, and the best number of sessions.
    sessions: dict[int, float] = field(default_factory=dict)
    best: int = 0
    # One value for each round: messages a second of smtp-source, the campaign into the near sink
    # and into the far one.
    source: list[float] = field(default_factory=list)
    near: list[Run] = field(default_factory=list)
    far: list[Run] = field(default_factory=list)
    round_trip: float = 0.0
    connections: int = 0
    # {stage: {"python": us, "postgres": us}}, microseconds for each message.
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    # Peak memory of each send worker, MiB.
    rss: list[float] = field(default_factory=list)
    # Bytes at the end: the database, and the ledger's rows with their indexes.
    database: int = 0
    ledger: int = 0

    @property
    def per_second(self) -> float:
        return median(run.per_second for run in self.near)

    @property
    def ratio(self) -> float:
        """The median ratio within rounds, so that a busy machine affects both sides."""
        return median(
            run.per_second / source for run, source in zip(self.near, self.source, strict=True)
        )

    @property
    def far_per_second(self) -> float:
        return median(run.per_second for run in self.far)

    @property
    def per_round_trip(self) -> float:
        """Messages of one connection in one round trip, with the far sink."""
        return self.far_per_second * self.round_trip / self.connections

    def cpu(self) -> dict[str, float]:
        """Microseconds a message by part."""
        return {
            part: round(median((run.cpu or {})[part] for run in self.near), 1)
            for part in (*PARTS, SINK)
        }


def table(results: Results) -> str:
    cpu = results.cpu()
    stages = [_stages(results)] if results.stages else []
    blocks = [_rates(results), _moments(results), *stages, _cpu(cpu), _memory(results)]
    return "\n\n".join("\n".join(block) for block in blocks)


def summary(results: Results) -> str:
    cpu = results.cpu()
    return json.dumps(
        {
            "messages_per_second": round(results.per_second),
            "smtp_source_per_second": round(median(results.source)),
            "ratio": round(results.ratio, 3),
            "cpu_us_per_message": round(sum(cpu[part] for part in PARTS), 1),
            "rtt50_messages_per_second": round(results.far_per_second, 1),
            "rtt50_per_roundtrip_and_connection": round(results.per_round_trip, 3),
            "freeze_seconds": round(median(run.freeze_seconds for run in results.near), 2),
            "whole_seconds": round(median(run.whole_seconds for run in results.near), 2),
            "worker_rss_mb": round(max(results.rss)),
            "database_mb": round(results.database / 1e6),
            "ledger_bytes_per_message": round(results.ledger / sent(results)),
            "recipients": results.recipients,
            "message_bytes": round(median(run.size for run in results.near)),
            "cpu_us_by_part": cpu,
            "stages_us": results.stages,
        }
    )


def sent(results: Results) -> int:
    """The number of messages of all rounds."""
    return sum(run.recipients for run in (*results.near, *results.far))


def _line(words: str, values: list[float], digits: int = 0, *, middle: float | None = None) -> str:
    shown = "".join(f"{value:>11,.{digits}f}" for value in values)
    middle = median(values) if middle is None else middle
    return f"{words:<44}{middle:>11,.{digits}f}   {shown}"


def _rates(results: Results) -> list[str]:
    tried = ", ".join(
        f"{number:,.0f} with {count} sessions" for count, number in results.sessions.items()
    )
    ratios = [r.per_second / s for r, s in zip(results.near, results.source, strict=True)]
    milliseconds = f"{results.round_trip * 1000:.0f} ms"
    near = f"campaign to {results.recipients:,}, no delay"
    far = f"campaign to {results.far[0].recipients:,}, {milliseconds}"
    shares = [r.per_second * results.round_trip / results.connections for r in results.far]
    return [
        f"{'messages a second':<44}{'median':>11}   rounds",
        _line(f"smtp-source, {results.best} sessions", results.source),
        _line(near, [run.per_second for run in results.near]),
        _line("  of smtp-source's", ratios, 3),
        _line(far, [run.per_second for run in results.far], 1),
        _line("  for each round trip and connection", shares, 3),
        f"A message has {results.near[0].size:,.0f} bytes. smtp-source, tried first: {tried}.",
    ]


def _moments(results: Results) -> list[str]:
    runs = results.near
    return [
        f"{'seconds, no delay':<44}{'median':>11}   rounds",
        _line("from the start to finished", [run.whole_seconds for run in runs], 2),
        _line("  until the audience is begun with", [run.opened - run.began for run in runs], 2),
        _line("  freezing it", [run.freeze_seconds for run in runs], 2),
        _line("  until the first message", [run.claimed - run.frozen for run in runs], 2),
        _line("  sending, to the last result", [run.sending_seconds for run in runs], 2),
        _line("  until it is called finished", [run.finished - run.recorded for run in runs], 2),
    ]


def _stages(results: Results) -> list[str]:
    lines = [f"{'CPU us a message, each stage alone':<44}{'Python':>11}{'PostgreSQL':>14}"]
    lines += [
        f"{LABELS.get(stage, stage):<44}{cost['python']:>11,.1f}{cost['postgres']:>14,.1f}"
        for stage, cost in results.stages.items()
    ]
    whole = [cost for stage, cost in results.stages.items() if stage != PART_OF_CLAIM]
    python, postgres = (sum(cost[who] for cost in whole) for who in WHO)
    return [*lines, f"{'all':<44}{python:>11,.1f}{postgres:>14,.1f}"]


def _cpu(cpu: dict[str, float]) -> list[str]:
    lines = [f"{part:<44}{microseconds:>11,.1f}" for part, microseconds in cpu.items()]
    return [f"{'CPU us a message, while it sends':<44}", *lines]


def _memory(results: Results) -> list[str]:
    shown = "".join(f"{one:>11,.0f}" for one in results.rss)
    return [
        f"{'peak memory of the send workers, MiB':<44}{max(results.rss):>11,.0f}   {shown}",
        f"{'the database in the end, MB':<44}{results.database / 1e6:>11,.0f}",
        f"{'  of it for each message, bytes':<44}{results.ledger / sent(results):>11,.0f}",
    ]
