"""Runs an import batch by batch, each in one transaction that also moves the import's position.

A worker claims the import with a lease and a random name (`holder`), and renews the lease as long
as it works, so that a slow batch isn't done in vain. A batch is committed only while the import is
running, claimed by us and stands where the batch began; so after kill -9 the import goes on from
its last commit, two workers never do a batch twice, and a cancel stops within one batch. While the
database merges a batch, the next one is read and shaped in a thread.
"""

import secrets
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

from django.db import OperationalError, connections, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from contacts import columns
from contacts.batches import Batcher, Reject, RowBatch
from contacts.columns import KnownAttribute
from contacts.csvfile import CsvReader, FilePosition
from contacts.exceptions import ContactsError
from contacts.models import Attribute, Import
from contacts.queries import importing, importlines, importmerging
from contacts.rows import Shaper
from contacts.services import importopens, importtags, leases
from contacts.services import statuswords as answers
from contacts.services.importfile import ChunkSource, dialect_of
from contacts.services.importlayout import Layout, layout_of
from contacts.statuswords import WordCounts
from environment import logs

log = logs.get(__name__)

BATCH = 20_000
LEASE = timedelta(seconds=60)
# The most unusable values of an import that are reported; all are counted.
REPORTED_VALUES = 100_000
COUNTS = (
    "rows new updated unchanged duplicate suppressed rejected "
    "subscribed unsubscribed not_subscribed asked stopped elsewhere tagged new_tags "
    "opens_given opens_refused "
    "unusable blank above"
).split()
# Counts that the batch knows itself; the database returns the others.
READ = ("rows", "rejected", "duplicate", "unusable", "blank", "above")
LOGGED = ("rows", "new", "updated", "unchanged", "duplicate", "suppressed", "rejected", "seconds")


class AttributeGoneError(ContactsError):
    """An attribute that the batch fills was deleted after the batch was read: it must be read
    again."""


class ImportLostError(ContactsError):
    """The import was cancelled or taken over: this batch must not count."""


def attributes_of(workspace_id: int) -> list[KnownAttribute]:
    return [
        KnownAttribute(attribute.key, attribute.label, attribute.type, tuple(attribute.choices))
        for attribute in Attribute.objects.filter(workspace_id=workspace_id)
    ]


def gone(import_: Import, known: Iterable[KnownAttribute]) -> set[str]:
    """Keys of deleted attributes that the mapping names; `known`: those that exist."""
    return columns.keys_in(import_.mapping) - {attribute.key for attribute in known}


def claim(import_id: int) -> Import | None:
    """The import, claimed by us from now on; None if it isn't due or another worker has it."""
    now = timezone.now()
    holder = secrets.token_hex(8)
    due = Q(state=Import.State.QUEUED) | Q(state=Import.State.RUNNING, leased_until__lt=now)
    taken = Import.objects.filter(due, pk=import_id).update(
        state=Import.State.RUNNING, holder=holder, leased_until=now + LEASE
    )
    if not taken:
        return None
    return Import.objects.get(pk=import_id)


def run(
    import_id: int,
    *,
    seconds: float = 20,
    size: int = BATCH,
    progress: Callable[[Import], None] | None = None,
) -> bool:
    """Work on the import for about `seconds`; True when there is more to do.

    The caller calls again, so that other work gets its turn in between. If the database is away, it
    raises, and the sweeper resumes the import later. Any other error ends the import with the
    reason.
    """
    import_ = claim(import_id)
    if import_ is None:
        return False
    try:
        with leases.renewed(_ours(import_), LEASE):
            return _work(import_, seconds=seconds, size=size, progress=progress)
    except ImportLostError:
        log.info("import stopped: no longer ours", **named(import_))
    except OperationalError:
        raise
    except Exception as error:
        log.exception("import failed", **named(import_))
        fail(import_id, error)
    return False


def named(import_: Import) -> dict[str, int]:
    """Fields for log lines; "import" can't be a keyword argument."""
    return {"import": import_.pk, "workspace": import_.workspace_id}


def fail(import_id: int, error: Exception) -> None:
    """Give the import up, with the reason; merged batches stay."""
    Import.objects.filter(pk=import_id, state=Import.State.RUNNING).update(
        state=Import.State.FAILED,
        error=f"{type(error).__name__}: {error}"[:1000],
        finished_at=timezone.now(),
        leased_until=None,
    )


def _work(
    import_: Import, *, seconds: float, size: int, progress: Callable[[Import], None] | None
) -> bool:
    until = time.monotonic() + seconds
    more = None
    while more is None:
        try:
            more = _merge_until(import_, until, size=size, progress=progress)
        except AttributeGoneError:  # its batch is read again, without the attribute
            continue
    return more


def _merge_until(
    import_: Import, until: float, *, size: int, progress: Callable[[Import], None] | None
) -> bool:
    """Merge the next batches until this moment; True when there is more to do."""
    began = time.monotonic()
    layout = layout_of(import_)
    target = target_of(import_, layout)
    known = attributes_of(import_.workspace_id)
    found = iter(batches(import_, layout, size=size, known=known))
    with closing(_read_ahead(found)) as ahead:
        for number, batch in enumerate(ahead):
            if number & (number - 1) == 0:  # before batches 0, 1, 2, 4, 8, ...
                importing.analyze()
            merge(import_, target, batch, began=began, without=gone(import_, known))
            began = time.monotonic()
            if progress:
                progress(import_)
            if began > until:
                _release(import_)
                return True
    _finish(import_)
    return False


def batches(
    import_: Import,
    layout: Layout,
    *,
    size: int = BATCH,
    known: Sequence[KnownAttribute] | None = None,
) -> Batcher:
    """The remaining batches of the import's file. `known`: the workspace's attributes."""
    if known is None:
        known = attributes_of(import_.workspace_id)
    dialect = dialect_of(import_)
    start = FilePosition(import_.next_byte, import_.next_line)
    shaper = Shaper(
        import_.mapping,
        known,
        order=import_.dialect.get("dates", ""),
        vocabulary=answers.vocabulary(import_, layout.program),
        on_lists=layout.on_lists,
        tags=importtags.reader(import_),
        gone=gone(import_, known),
    )
    reader = CsvReader(ChunkSource(import_.pk), dialect, start, pauses=True)
    header = dialect.header if start.byte == 0 else 0
    return Batcher(reader, shaper, header=header, mapping=import_.mapping, size=size)


def _read_ahead(items: Iterator[RowBatch]) -> Generator[RowBatch, None, None]:
    """The same batches; the next one is prepared in a thread with its own connection."""
    with ThreadPoolExecutor(1, "import-reader") as thread:
        try:
            coming = thread.submit(next, items, None)
            while batch := coming.result():
                coming = thread.submit(next, items, None)
                yield batch
        finally:
            thread.submit(connections.close_all).result()


def target_of(import_: Import, layout: Layout) -> importing.Target:
    return importing.Target(
        workspace=import_.workspace_id,
        import_id=import_.pk,
        list=import_.list_id,
        consent=import_.consent,
        known=import_.known,
        listed=bool(import_.list_id or import_.new_list),
        own=layout.own,
        summed_up=layout.summed_up,
        everywhere=answers.scope(import_) == answers.EVERYWHERE,
        filename=import_.filename,
    )


@transaction.atomic
def merge(
    import_: Import,
    target: importing.Target,
    batch: RowBatch,
    *,
    began: float,
    without: Collection[str],
) -> None:
    """Merge one batch and move the import's position, all or nothing. `without`: keys of deleted
    attributes when it was read. Raises ImportLostError, AttributeGoneError."""
    importing.stage(batch.staged)
    importing.wait_for_turn(import_.workspace_id)
    # Whoever deletes an attribute takes the same turn: it stays until the commit.
    if gone(import_, attributes_of(import_.workspace_id)) - set(without):
        raise AttributeGoneError
    judged = importing.judge(target, apply=True)
    merged = importmerging.merge(target, new=judged.get("new", 0))
    merged |= importtags.merge(target, batch, merged)
    merged |= importopens.merge(target, batch)
    if batch.unusable or merged["asked"]:
        batch.forget_values(importing.lines_not_taken())
    again = importlines.duplicates() if merged.get("duplicate") else []
    if again or batch.duplicates:
        importlines.keep_duplicates(import_.pk, sorted(again + batch.duplicates))
    room = REPORTED_VALUES - import_.counts.get("unusable", 0)
    importing.keep_rejects(import_.pk, _reported(batch, room))
    _move(import_, batch, merged, took=time.monotonic() - began)


def _reported(batch: RowBatch, room: int) -> Iterator[Reject]:
    """The rejects to store; only the first of a line has its cells, because a wide line may have
    hundreds."""
    last = None
    for reject in batch.rejects:
        if reject.kept:
            room -= 1
        if not reject.kept or room >= 0:
            yield reject._replace(cells=[]) if reject.line == last else reject
            last = reject.line


def _move(import_: Import, batch: RowBatch, merged: dict[str, int], *, took: float) -> None:
    """Count the batch and move the import past it. Raises ImportLostError if the import is not ours
    any more, or not where we left it."""
    counts = {name: import_.counts.get(name, 0) + merged.get(name, 0) for name in COUNTS}
    for name in READ:
        counts[name] += getattr(batch, name)
    words = WordCounts(import_.words)
    words.add(batch.words)
    moved = (
        _ours(import_)
        .filter(next_byte=import_.next_byte)
        .update(
            next_byte=batch.after.byte,
            next_line=batch.after.line,
            counts=counts | {"seconds": round(import_.counts.get("seconds", 0) + took, 3)},
            words=words.stored(),
            leased_until=timezone.now() + LEASE,
        )
    )
    if not moved:
        raise ImportLostError
    import_.refresh_from_db()


def _ours(import_: Import) -> QuerySet[Import]:
    return Import.objects.filter(pk=import_.pk, state=Import.State.RUNNING, holder=import_.holder)


def _release(import_: Import) -> None:
    _ours(import_).update(state=Import.State.QUEUED, leased_until=None)


def _finish(import_: Import) -> None:
    _ours(import_).update(
        state=Import.State.FINISHED, finished_at=timezone.now(), leased_until=None
    )
    importing.sort_into_search()
    log.info("import finished", **named(import_), **_counted(import_))


def _counted(import_: Import) -> dict[str, float]:
    return {name: import_.counts.get(name, 0) for name in LOGGED}
