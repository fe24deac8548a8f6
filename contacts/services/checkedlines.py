"""The lines that a number of an import's check counts. The check keeps none of them, so the file is
judged again for their page."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from contacts.batches import Reject, RowBatch
from contacts.models import Import
from contacts.queries import importlines
from contacts.services import importchecks, importhints, importrun
from contacts.services.importlayout import layout_of
from contacts.tagnames import Names

# How many lines are shown; all are counted by the check.
SHOWN = 500
REJECTED = "rejected"
# Before a reason of contacts.rejects: the lines with this problem.
REASON = "reason:"
KINDS = (*importlines.JUDGED, REJECTED, *importhints.KINDS)


@dataclass(slots=True)
class CheckedLines:
    """`rows`: judged lines as of Check.samples; `rejects`: rejected ones. `more`: there are others
    than the shown ones."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    more: bool = False


@transaction.atomic
def of(
    import_: Import,
    kind: str,
    *,
    rows: int | None = importchecks.CHECKED_ROWS,
    weight: int | None = None,
) -> CheckedLines:
    """The first lines of this kind (one of KINDS, or REASON with a reason) among those that a check
    of so many `rows`, or of this `weight`, reads (importchecks.check)."""
    found = CheckedLines()
    domains = importhints.domains_of(import_, kind) if kind in importhints.KINDS else ()
    layout = layout_of(import_)
    target = importrun.target_of(import_, layout)
    tags: Names = {}
    batches = importrun.batches(import_, layout, size=importrun.BATCH)
    for batch in batches.first(rows=rows, weight=weight or importchecks.checked_weight(rows)):
        importchecks.judge(target, batch, tags)
        add(found, batch, kind, domains)
        if found.more:
            break
    importchecks.forget_seen()
    return found


def add(found: CheckedLines, batch: RowBatch, kind: str, domains: Collection[str] = ()) -> None:
    """Add the lines of a batch that was just judged."""
    if found.more:
        return
    if kind == REJECTED or kind.startswith(REASON):
        fitting = [one for one in batch.rejects if _is_of(one, kind)][: SHOWN + 1]
        found.rejects += [one._replace(cells=[]) for one in fitting]
        found.more = len(found.rejects) > SHOWN
        found.rejects = found.rejects[:SHOWN]
        return
    if kind == "subscribed" and found.rows:
        gone = importlines.no_longer_subscribed()
        found.rows = [row for row in found.rows if row["email"] not in gone]
    here = _judged(kind, domains)
    if kind == "duplicate":
        again = {"outcome": kind, "listing": None, "first_name": "", "last_name": ""}
        here += [
            again | {"line": line, "email": email, "full_name": ""}
            for line, email in batch.duplicates
        ]
        here.sort(key=lambda row: row["line"])
    found.rows += here
    found.more = len(found.rows) > SHOWN
    found.rows = found.rows[:SHOWN]


def _is_of(reject: Reject, kind: str) -> bool:
    return not reject.kept if kind == REJECTED else reject.reason == kind.removeprefix(REASON)


def _judged(kind: str, domains: Collection[str]) -> list[dict[str, Any]]:
    if kind == importhints.ROLE:
        return importlines.of_roles(SHOWN + 1)
    if kind in importhints.KINDS:
        return importlines.of_domains(domains, SHOWN + 1)
    return importlines.judged(kind, SHOWN + 1)
