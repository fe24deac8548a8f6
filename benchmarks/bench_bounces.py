"""Measures how well and how fast bounces are read: bounces.reading against labelled samples.

    python -m benchmarks.bench_bounces PATH

PATH (or YANSHU_BOUNCE_CORPUS) is a directory with bounces.jsonl.

bounces.jsonl: a line of JSON for each sample with `file` (below bounces/), `kind` (hard, soft,
block, complaint, autoreply, challenge, not_bounce; unknown is left out), `recipients`. A delayed
notice counts as "soft" where the label says so. --misses lists what was read otherwise.
The last line is JSON.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bounces.reading import Report, ReportKind, parse

NAMES = {
    "hard": "hard_bounced",
    "soft": "soft_bounced",
    "block": "blocked",
    "complaint": "complained",
    "autoreply": "auto_replied",
    "challenge": "challenged",
    "not_bounce": "other",
}


@dataclass(frozen=True)
class Sample:
    name: str
    raw: bytes
    kind: str
    recipients: frozenset[str]
    # The label only tells permanent from temporary: "hard" may be a full mailbox, or a block.
    coarse: bool


def load(corpus: Path) -> list[Sample]:
    samples = []
    for line in (corpus / "bounces.jsonl").read_text().strip().split("\n"):
        row = json.loads(line)
        samples.append(
            Sample(
                row["file"],
                (corpus / "bounces" / row["file"]).read_bytes(),
                NAMES.get(row["kind"], row["kind"]),
                frozenset(address.lower() for address in row["recipients"]),
                row.get("coarse") or row["reason"] in {"permanent", "temporary"},
            )
        )
    return samples


def same_kind(sample: Sample, report: Report) -> bool:
    if report.kind == ReportKind.DELAYED and sample.kind == ReportKind.SOFT_BOUNCED:
        return True
    return sample.kind == report.kind.value


def same_side(pairs: list[tuple[Sample, Report]]) -> int:
    return sum(
        (s.kind == ReportKind.HARD_BOUNCED) == (r.kind == ReportKind.HARD_BOUNCED) for s, r in pairs
    )


def percent(right: int, of: int) -> float:
    return round(100 * right / of, 1) if of else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", default=os.environ.get("YANSHU_BOUNCE_CORPUS", ""))
    parser.add_argument("--misses", action="store_true")
    options = parser.parse_args()
    if not options.corpus:
        print("No samples: name their directory, or set YANSHU_BOUNCE_CORPUS.", file=sys.stderr)
        return 0
    samples = load(Path(options.corpus))
    reports = [parse(sample.raw) for sample in samples]
    read = {
        r.name: {a.lower() for a in p.recipients} for r, p in zip(samples, reports, strict=True)
    }
    named = [s for s in samples if s.recipients]
    labelled = [(s, r) for s, r in zip(samples, reports, strict=True) if s.kind != "unknown"]
    fine = [(s, r) for s, r in labelled if not s.coarse]
    slowest = 0.0
    started = time.process_time()
    rounds = 0
    while time.process_time() - started < 3:
        for sample in samples:
            before = time.process_time()
            parse(sample.raw)
            slowest = max(slowest, time.process_time() - before)
        rounds += 1
    rate = rounds * len(samples) / (time.process_time() - started)
    if options.misses:
        for sample, report in zip(samples, reports, strict=True):
            if sample.recipients and read[sample.name] != sample.recipients:
                print(
                    f"{sample.name}: recipients {sorted(read[sample.name])}"
                    f" instead of {sorted(sample.recipients)}"
                )
            if sample.kind != "unknown" and not same_kind(sample, report):
                print(
                    f"{sample.name}: {report.kind} ({report.why}) instead of {sample.kind}"
                    f"{' (coarse)' if sample.coarse else ''}"
                    f" | {report.status} {report.diagnostic[:200]}"
                )
    result = {
        "samples": len(samples),
        "recipients": percent(sum(read[s.name] == s.recipients for s in named), len(named)),
        "kind": percent(sum(same_kind(s, r) for s, r in labelled), len(labelled)),
        "hard_or_not": percent(same_side(fine), len(fine)),
        "hard_or_not_with_coarse": percent(same_side(labelled), len(labelled)),
        "per_second": round(rate),
        "slowest_ms": round(slowest * 1000, 1),
    }
    print(f"exact recipients   {result['recipients']} % of {len(named)}")
    print(f"kind               {result['kind']} % of {len(labelled)}")
    print(
        f"hard or not        {result['hard_or_not']} % of {len(fine)}"
        f" (with coarse labels {result['hard_or_not_with_coarse']} % of {len(labelled)})"
    )
    print(f"speed              {result['per_second']}/s, slowest {result['slowest_ms']} ms")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
