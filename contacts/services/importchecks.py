"""What an import would do: a dry run over its file or the first lines. A page checks the first
lines in its request; a worker then reads the whole file (services.wholechecks)."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
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
# Rejects of one reason that are shown although others have filled the table.
OF_EACH_REASON = 3
OUTCOMES = ("new", "updated", "unchanged", "duplicate", "suppressed")


@dataclass(frozen=True, slots=True)
class Check:
    """What an import would do. `whole`: the whole file was read, not only its first rows; `read`:
    how many of its bytes; `tags`: names of new tags; `reasons`: {reason of a reject: how many}."""

    counts: dict[str, int]
    samples: list[dict[str, Any]]
    rejects: list[Reject]
    reasons: dict[str, int]
    words: WordCounts
    whole: bool
    read: int
    layout: Layout
    domains: DomainTally
    tags: list[str]


@dataclass(slots=True)
class Checking:
    """Collects what a check finds, batch by batch: up to `examples` rows of each outcome, the first
    `problems` rejects and some of each other reason. Memory stays flat, however long the file is.
    """

    target: importing.Target
    layout: Layout
    examples: int
    problems: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(importrun.COUNTS, 0))
    samples: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    words: WordCounts = field(default_factory=WordCounts)
    domains: DomainTally = field(default_factory=DomainTally)
    tags: Names = field(default_factory=dict)
    read: int = 0

    def take(self, batch: RowBatch) -> None:
        """Judge a batch and count it. The judged rows can be read until the next batch."""
        self.read = batch.after.byte
        outcomes = judge(self.target, batch, self.tags)
        for name in self.counts:
            self.counts[name] += outcomes.get(name, 0)
        for name in importrun.READ:
            self.counts[name] += getattr(batch, name)
        self._sample(outcomes)
        for reject in batch.rejects:
            self.reasons[reject.reason] += 1
            scarce = self.reasons[reject.reason] <= min(OF_EACH_REASON, self.problems)
            if len(self.rejects) < self.problems or scarce:
                self.rejects.append(reject)
        self.words.add(batch.words)
        self.domains.add(maildomains.judged())

    def _sample(self, outcomes: dict[str, int]) -> None:
        have = Counter(row["outcome"] for row in self.samples)
        wanted = {name for name in OUTCOMES if outcomes.get(name) and have[name] < self.examples}
        if not wanted:
            return
        for row in importing.samples(self.examples):
            if row["outcome"] in wanted and have[row["outcome"]] < self.examples:
                have[row["outcome"]] += 1
                self.samples.append(row)

    def result(self, *, whole: bool) -> Check:
        return Check(
            counts=self.counts,
            samples=self.samples,
            rejects=self.rejects,
            reasons=dict(self.reasons.most_common()),
            words=self.words,
            whole=whole,
            read=self.read,
            layout=self.layout,
            domains=self.domains,
            tags=list(self.tags.values()),
        )


Watch = Callable[[Checking, RowBatch], None]


@transaction.atomic
def check(  # noqa: PLR0913 - how much is read, how much is shown, and who watches
    import_: Import,
    *,
    rows: int | None = CHECKED_ROWS,
    weight: int | None = None,
    examples: int = 5,
    problems: int = 20,
    watch: Watch | None = None,
) -> Check:
    """A dry run over the first `rows` records, or fewer if they weigh more than CHECKED_WEIGHT (all
    with None, or as many as weigh `weight`), with examples as of `Checking`. Changes nothing.
    `watch` is called after each batch; what it raises ends the check.

    In one transaction, whose temporary tables keep what earlier batches would have written.
    """
    layout = layout_of(import_)
    checking = Checking(importrun.target_of(import_, layout), layout, examples, problems)
    batches = importrun.batches(import_, layout, size=importrun.BATCH)
    for batch in batches.first(rows=rows, weight=weight or checked_weight(rows)):
        checking.take(batch)
        if watch:
            watch(checking, batch)
    whole = batches.next(rows=1) is None
    forget_seen()
    return checking.result(whole=whole)


def checked_weight(rows: int | None) -> int | None:
    """The weight that a check of so many rows reads; None: all of the file."""
    return None if rows is None else CHECKED_WEIGHT


def judge(target: importing.Target, batch: RowBatch, tags: Names) -> dict[str, int]:
    """Judge one batch of a check; {outcome or count: rows}. The judged rows can be read until the
    next batch. `tags`: {key: name} of new tags that earlier batches would have made; those of this
    batch are added."""
    importing.stage(batch.staged)
    outcomes = importing.judge(target, apply=False)
    outcomes |= importtags.judge(target, batch, tags)
    outcomes |= importopens.judge(target, batch)
    if batch.unusable or outcomes["asked"]:
        batch.forget_values(importing.lines_not_taken())
    importing.keep_seen()
    return outcomes


def forget_seen() -> None:
    """Ends a check, so that another one in the same transaction begins empty."""
    importing.forget_seen()
    importopens.forget_refused()


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
        import_.consent_text,
        import_.known,
    )
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]
