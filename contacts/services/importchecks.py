"""What an import would do: a dry run over its file or the first lines."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from contacts import columns
from contacts.batches import Reject, RowBatch
from contacts.models import Import, Subscription
from contacts.queries import importing, maildomains
from contacts.services import importopens, importrun, importtags
from contacts.services.importhints import DomainTally
from contacts.services.importlayout import Layout, layout_of
from contacts.statuswords import LIST, WordCounts
from contacts.tagnames import Names

# A check in a request reads so many rows, or about so much weight (contacts.batches.WEIGHT).
CHECKED_ROWS = 20_000
CHECKED_WEIGHT = 8 * 1024 * 1024
# "Read all" reads up to this weight: some 150,000 lines of a narrow file, a few seconds of work.
CHECK_ALL_WEIGHT = 24 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Check:
    """What an import would do. `whole`: the whole file was read, not only its first rows; `weight`:
    of all its rows (contacts.batches.WEIGHT), estimated by those that were read; `tags`: names of
    new tags."""

    counts: dict[str, int]
    samples: list[dict[str, Any]]
    rejects: list[Reject]
    words: WordCounts
    whole: bool
    weight: float
    layout: Layout
    domains: DomainTally
    tags: list[str]


@dataclass(frozen=True, slots=True)
class CheckedSoFar:
    """What the batches of a check so far would have written: {key: name} of new tags, and addresses
    that refuse the counting of opens."""

    tags: Names = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)


@transaction.atomic
def check(
    import_: Import,
    *,
    rows: int | None = CHECKED_ROWS,
    weight: int | None = None,
    examples: int = 5,
    problems: int = 20,
) -> Check:
    """A dry run over the first `rows` records, or fewer if they weigh more than CHECKED_WEIGHT (all
    with None, or as many as weigh `weight`), with up to `examples` rows of each outcome and the
    first `problems` rejects. Changes nothing.

    In one transaction, whose temporary tables keep what earlier batches would have written.
    """
    counts = dict.fromkeys(importrun.COUNTS, 0)
    samples: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    words, domains = WordCounts(), DomainTally()
    seen = CheckedSoFar()
    layout = layout_of(import_)
    target = importrun.target_of(import_, layout)
    batches = importrun.batches(import_, layout, size=importrun.BATCH)
    weighed, end = 0, 0
    for batch in batches.first(rows=rows, weight=weight or checked_weight(rows)):
        weighed += batch.weight
        end = batch.after.byte
        outcomes = judge(target, batch, seen)
        for name in counts:
            counts[name] += outcomes.get(name, 0)
        for name in importrun.READ:
            counts[name] += getattr(batch, name)
        samples = samples or importing.samples(examples)
        rejects += batch.rejects[: max(0, problems - len(rejects))]
        words.add(batch.words)
        domains.add(maildomains.judged())
    whole = batches.next(rows=1) is None
    importing.forget_seen()
    new_tags = list(seen.tags.values())
    estimated = weighed * import_.size / max(1, end)
    return Check(counts, samples, rejects, words, whole, estimated, layout, domains, new_tags)


def checked_weight(rows: int | None) -> int | None:
    """The weight that a check of so many rows reads; None: all of the file."""
    return None if rows is None else CHECKED_WEIGHT


def judge(target: importing.Target, batch: RowBatch, seen: CheckedSoFar) -> dict[str, int]:
    """Judge one batch of a check; {outcome or count: rows}. The judged rows can be read until the
    next batch. `seen`: of earlier batches; that of this batch is added."""
    importing.stage(batch.staged)
    outcomes = importing.judge(target, apply=False)
    outcomes |= importtags.judge(target, batch, seen.tags)
    outcomes |= importopens.judge(target, batch, seen.refused)
    if batch.unusable or outcomes["asked"]:
        batch.forget_values(importing.lines_not_taken())
    importing.keep_seen()
    return outcomes


def may_be_elsewhere(import_: Import) -> bool:
    """Whether people whom the file calls unsubscribed may be subscribed to other lists: the file
    goes into a list, has a status column, and other lists have subscribers."""
    says = set(columns.STATUS_FIELDS) - {LIST}
    if not (import_.list_id or import_.new_list) or not says & set(import_.mapping):
        return False
    others = Subscription.objects.filter(
        list__workspace_id=import_.workspace_id, status=Subscription.Status.SUBSCRIBED
    )
    return (others.exclude(list=import_.list_id) if import_.list_id else others).exists()


def choices_of(import_: Import) -> str:
    """A digest of all choices, to tell whether the checked choices are those that would be
    started."""
    chosen = (
        import_.dialect,
        import_.mapping,
        import_.list_id,
        import_.new_list,
        import_.consent,
        import_.known,
    )
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]
