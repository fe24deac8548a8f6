"""Files with suppressions: read, shown with what would happen, then taken over."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import User, Workspace
from contacts import provenance
from contacts.provenance import Source
from contacts.services import suppressions
from contacts.services.suppressions import Wanted
from contacts.suppressionlines import FileLine, ReadLines, read_file
from contacts.suppressionmodels import Suppression, SuppressionFile

KEPT_FOR = dt.timedelta(days=1)
MOST_KEPT = 20
Reason = Suppression.Reason
# What a word may mean; anything else leaves its lines out.
MEANINGS = (
    Reason.UNSUBSCRIBED,
    Reason.HARD_BOUNCED,
    Reason.SOFT_BOUNCED,
    Reason.COMPLAINED,
    Reason.IMPORTED,
)


@dataclass(frozen=True, slots=True)
class FileResult:
    """`made`: new suppressions; `known`: values that were suppressed already; `left_out`: lines."""

    made: int
    known: int
    left_out: int
    source: Source


def receive(
    workspace: Workspace | None, *, name: str, data: bytes, by: User | None
) -> SuppressionFile:
    """Reads a file and keeps what it says for a day. Raises suppressionlines.LinesError."""
    SuppressionFile.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    read = read_file(data, today=timezone.localdate())
    # Each may be 2 MB: of one workspace, the latest few are kept.
    latest = SuppressionFile.objects.filter(workspace=workspace).order_by("-pk")
    kept = latest.values("pk")[: MOST_KEPT - 1]
    SuppressionFile.objects.filter(workspace=workspace).exclude(pk__in=kept).delete()
    return SuppressionFile.objects.create(
        workspace=workspace, name=name[:255], lines=read.as_json(), created_by=by
    )


def end_of_day(day: str) -> dt.datetime | None:
    """The end of a day (YYYY-MM-DD) where the person is; None for ""."""
    if not day:
        return None
    midnight = dt.datetime.combine(dt.date.fromisoformat(day), dt.time.max)
    return timezone.make_aware(midnight)


@transaction.atomic
def take_over(
    file: SuppressionFile, answers: Mapping[str, str], *, by: User | None
) -> FileResult | None:
    """Suppress what the file says, and forget the file; None if that was done already. `answers`:
    {word: its meaning, one of MEANINGS}; lines with another word are left out. Raises
    suppressions.TooManyPatternsError."""
    locked = SuppressionFile.objects.select_for_update().filter(pk=file.pk).first()
    if locked is None:
        return None
    read = ReadLines.from_json(locked.lines)
    wanted = [found for line in read.lines if (found := _wanted(line, answers))]
    source = provenance.one_action()
    made = suppressions.add(locked.workspace, wanted, source=source, detail=locked.name, by=by)
    locked.delete()
    left_out = read.left_out + len(read.lines) - len(wanted)
    return FileResult(made, len(wanted) - made, left_out, source)


def _wanted(line: FileLine, answers: Mapping[str, str]) -> Wanted | None:
    reason = line.reason or Reason.IMPORTED
    if line.word:
        reason = answers.get(line.word, "")
        if reason not in MEANINGS:
            return None
    return Wanted(line.entry, reason, end_of_day(line.until), line.note)
