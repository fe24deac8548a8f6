"""Imports: from an upload to counts, and back (undo). Running one is in `importrun`."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice, zip_longest
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts import columns, csvdetect, values
from contacts.batches import Reject, RowBatch
from contacts.columns import Column
from contacts.csvfile import Bytes, CsvReader, Dialect
from contacts.exceptions import ContactsError
from contacts.models import (
    Attribute,
    Import,
    ImportChunk,
    Job,
    List,
    SavedMapping,
    Subscription,
)
from contacts.queries import importing, maildomains
from contacts.queries.importing import Undone
from contacts.rows import MappingError, NewAttributeError, NoAddressColumnError, Shaper
from contacts.services import (
    attributes,
    importfile,
    importrun,
    importtags,
    jobs,
    lists,
    packedfile,
    statuswords,
    unfinished,
)
from contacts.services.importhints import DomainTally
from contacts.services.importlayout import Layout, layout_of
from contacts.statuswords import LIST, WordCounts
from contacts.tagnames import Names
from environment import logs

log = logs.get(__name__)

# A check in a request reads so many rows, or about so much weight (contacts.batches.WEIGHT).
CHECKED_ROWS = 20_000
CHECKED_WEIGHT = 8 * 1024 * 1024
# "Read all" reads up to this weight: some 150,000 lines of a narrow file, a few seconds of work.
CHECK_ALL_WEIGHT = 24 * 1024 * 1024
# How many bytes of a file are read for guesses.
BEGINNING = 256 * 1024
KEEP_FILES = timedelta(days=1)
ENDED = (Import.State.FINISHED, Import.State.CANCELLED, Import.State.FAILED)


class ImportRefusedError(ContactsError):
    """The import can't do this now; the text says why, for users."""


# Upload ------------------------------------------------------------------------------------------


def begin(
    workspace: Workspace,
    *,
    filename: str,
    by: User | None,
    target: List | None = None,
    size: int = 0,
) -> Import:
    """A new import that waits for its file's bytes (`append`). Raises importfile.UploadError if too
    many files wait already; `size`: the file's size if known."""
    unfinished.check_room(workspace, by, size)
    return Import.objects.create(
        workspace=workspace,
        filename=filename[:255] or "contacts.csv",
        state=Import.State.UPLOADING,
        list=target,
        created_by=by,
    )


def append(import_: Import, offset: int, pieces: Iterable[bytes], *, limit: int) -> int:
    """Like importfile.append, within the quota of waiting files."""
    try:
        return importfile.append(
            import_, offset, pieces, limit=limit, most=unfinished.room(import_)
        )
    except importfile.FullError as error:
        raise importfile.UploadError(unfinished.no_room(), error.next) from error


def finish_upload(import_: Import, *, enqueue: Callable[[int], Any] | None = None) -> bool:
    """The file is complete: guess its format and its columns. A packed file is left to a worker
    (services.importreading); without `enqueue` it is unpacked here. Returns False if that was done
    before: a second call changes nothing.

    Raises csvdetect.NotCsvError if it is no table, and the import is deleted then; also
    Import.DoesNotExist if it is deleted already.
    """
    try:
        with transaction.atomic():
            # Waits for another request that says the same: it must see the state after that one.
            import_.refresh_from_db(from_queryset=Import.objects.select_for_update())
            if import_.state != Import.State.UPLOADING:
                return False
            packed = packedfile.is_packed(import_)
            if packed:
                importfile.set_aside(import_)
                import_.state = Import.State.READING
                import_.save(update_fields=["state"])
            if not (packed and enqueue):
                make_ready(import_)
    except csvdetect.NotCsvError:
        Import.objects.filter(pk=import_.pk, state=Import.State.UPLOADING).delete()
        raise
    if packed and enqueue:
        jobs.nudge(enqueue, import_.pk)
    return True


@transaction.atomic
def make_ready(import_: Import) -> None:
    """Unpack the file if it is packed, and guess its format and its columns. Raises
    csvdetect.NotCsvError; importrun.ImportLostError if the import is in another state or another
    worker's meanwhile."""
    was, holder = import_.state, import_.holder
    if was == Import.State.READING:
        uploaded = importfile.size_aside(import_.pk)
        packedfile.unpack(import_)
        import_.dialect["uploaded"] = uploaded
    packed = packed_in(import_.dialect)
    detect = csvdetect.of_sheet if "sheet" in packed else csvdetect.detect
    dialect = detect(importfile.sample(import_))
    described = describe(import_, dialect)
    import_.dialect = {
        **packed,
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter,
        "header": dialect.header,
        "dates": guess_dates(import_, dialect),
    }
    import_.mapping = [column.guess for column in described]
    import_.state = Import.State.READY
    changed = Import.objects.filter(pk=import_.pk, state=was, holder=holder).update(
        size=import_.size,
        dialect=import_.dialect,
        mapping=import_.mapping,
        state=import_.state,
        error="",
        leased_until=None,
    )
    if not changed:
        raise importrun.ImportLostError


def packed_in(dialect: Mapping[str, Any]) -> dict[str, Any]:
    """What the dialect of a packed file says of the upload (its bytes, and the sheets of a
    workbook)."""
    return {key: dialect[key] for key in ("sheet", "sheets", "uploaded") if key in dialect}


def choose_sheet(
    import_: Import,
    number: int,
    *,
    enqueue: Callable[[int], Any] | None = None,
    choices: Mapping[str, Any] | None = None,
) -> None:
    """Read another sheet of the workbook: by a worker, or here without `enqueue`. `choices`: fields
    of the import that are stored, too: list, new_list, consent, known. Raises ImportRefusedError,
    csvdetect.NotCsvError."""
    if number not in {one for one, _name in import_.dialect.get("sheets", ())}:
        raise ImportRefusedError(_("This sheet isn't in the workbook."))
    chosen = import_.dialect | {"sheet": number}
    changed = Import.objects.filter(pk=import_.pk, state=Import.State.READY).update(
        state=Import.State.READING,
        dialect=chosen,
        saved_mapping=None,
        error="",
        leased_until=None,
        **(choices or {}),
    )
    if not changed:
        raise ImportRefusedError(_("This import has been started already."))
    import_.refresh_from_db()
    if enqueue:
        jobs.nudge(enqueue, import_.pk)
    else:
        make_ready(import_)


def receive(  # noqa: PLR0913 - what a file is, and whose
    workspace: Workspace,
    *,
    filename: str,
    pieces: Iterable[bytes],
    by: User | None,
    limit: int,
    target: List | None = None,
) -> Import:
    """A whole file at once, streamed. Raises importfile.UploadError, csvdetect.NotCsvError."""
    import_ = begin(workspace, filename=filename, by=by, target=target)
    try:
        append(import_, 0, pieces, limit=limit)
    except importfile.UploadError:
        import_.delete()
        raise
    finish_upload(import_)
    return import_


# Columns -----------------------------------------------------------------------------------------


def first_rows(import_: Import, dialect: Dialect) -> list[list[str]]:
    """The header, if any, and the first records, read in this dialect: as much as guesses need."""
    reader = _beginning(import_, dialect)
    below = (_cut(record.cells) for record in reader if record.line >= dialect.header)
    return list(islice(below, csvdetect.SAMPLE_RECORDS))


def refuse_wide(import_: Import, dialect: Dialect) -> None:
    """Raises ImportRefusedError if the file has too many columns in this dialect."""
    first = islice(_beginning(import_, dialect), csvdetect.SAMPLE_RECORDS)
    if csvdetect.is_too_wide(record.cells for record in first):
        raise ImportRefusedError(str(csvdetect.SENTENCES["columns"]))


def _cut(cells: Sequence[str]) -> list[str]:
    return [cell[: csvdetect.LOOKED_AT + 1] for cell in cells[: csvdetect.MAX_COLUMNS]]


def first_lines(import_: Import, dialect: Dialect) -> list[tuple[int, list[str]]]:
    """The records that may be the header, each with its line."""
    reader = _beginning(import_, dialect)
    first = islice(reader, csvdetect.HEADER_RECORDS)
    return [(record.line, _cut(record.cells)) for record in first]


def _beginning(import_: Import, dialect: Dialect) -> CsvReader:
    return CsvReader(Bytes(importfile.ChunkSource(import_.pk).read(0, BEGINNING)), dialect)


def describe(import_: Import, dialect: Dialect) -> list[Column]:
    return columns.describe(
        first_rows(import_, dialect),
        header=bool(dialect.header),
        known=importrun.attributes_of(import_.workspace_id),
    )


def guess_dates(import_: Import, dialect: Dialect) -> str:
    """The order of day, month and year in the file's date columns; "" if they leave it open."""
    rows = first_rows(import_, dialect)[1 if dialect.header else 0 :]
    orders = {
        values.guess_order([values.clean(cell) for cell in column])
        for column in zip_longest(*rows, fillvalue="")
    }
    orders.discard("")
    return orders.pop() if len(orders) == 1 else ""


def configure(  # noqa: PLR0913 - one argument a choice of the page
    import_: Import,
    *,
    dialect: dict[str, Any],
    mapping: Sequence[str],
    target: List | None,
    consent: str,
    known: str,
    new_list: str = "",
    answers: Mapping[tuple[str, str], str] | None = None,
    saved: SavedMapping | None = None,
) -> None:
    """Store the choices. `new_list`: the name of a list that `start` will make; `answers`: the
    meanings of words in this file (contacts.statuswords.Vocabulary); `saved`: the mapping that they
    began with. Raises ImportRefusedError if the mapping can't be used, the file has too many
    columns, or the import was started."""
    refuse_wide(import_, Dialect(dialect["encoding"], dialect["delimiter"], int(dialect["header"])))
    refuse_unmapped(import_.workspace_id, mapping)
    changed = Import.objects.filter(pk=import_.pk, state=Import.State.READY).update(
        dialect=packed_in(import_.dialect) | dialect,
        mapping=list(mapping),
        list=target,
        new_list="" if target else new_list,
        consent=consent,
        known=known,
        saved_mapping=saved,
        **({} if answers is None else {"answers": statuswords.stored(answers)}),
    )
    if not changed:
        raise ImportRefusedError(_("This import has been started already."))
    import_.refresh_from_db()


def refuse_unmapped(workspace_id: int, mapping: Sequence[str]) -> None:
    """Raises ImportRefusedError if no file can be read with this mapping: no column holds the
    address, an attribute was deleted meanwhile, or a new one can't be made."""
    try:
        Shaper(mapping, importrun.attributes_of(workspace_id))
    except NoAddressColumnError as error:
        raise ImportRefusedError(
            _("Choose the one column that holds the e-mail address.")
        ) from error
    except NewAttributeError as error:
        text = _("A column can't become this new attribute. Choose again what the column is.")
        raise ImportRefusedError(text) from error
    except MappingError as error:
        raise ImportRefusedError(_("This attribute isn't there (any more).")) from error


def earlier(import_: Import) -> Import | None:
    """The last import of the same bytes (and sheet) in the workspace, unless it is undone or has
    imported nothing: importing the file again may be a mistake."""
    if not import_.digest:
        return None
    same = Import.objects.filter(
        workspace_id=import_.workspace_id,
        digest=import_.digest,
        started_at__isnull=False,
        undone_at=None,
    ).exclude(pk=import_.pk)
    sheet = import_.dialect.get("sheet")
    others = same.select_related("created_by").defer("mapping", "words", "hints").order_by("-pk")
    for other in others[:50]:
        imported = other.counts.get("rows") or other.state not in ENDED
        if imported and other.dialect.get("sheet") == sheet:
            return other
    return None


# Check -------------------------------------------------------------------------------------------


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
    tags: Names = {}
    layout = layout_of(import_)
    target = importrun.target_of(import_, layout)
    batches = importrun.batches(import_, layout, size=importrun.BATCH)
    weighed, end = 0, 0
    for batch in batches.first(rows=rows, weight=weight or checked_weight(rows)):
        weighed += batch.weight
        end = batch.after.byte
        outcomes = judge(target, batch, tags)
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
    new_tags = list(tags.values())
    estimated = weighed * import_.size / max(1, end)
    return Check(counts, samples, rejects, words, whole, estimated, layout, domains, new_tags)


def checked_weight(rows: int | None) -> int | None:
    """The weight that a check of so many rows reads; None: all of the file."""
    return None if rows is None else CHECKED_WEIGHT


def judge(target: importing.Target, batch: RowBatch, tags: Names) -> dict[str, int]:
    """Judge one batch of a check; {outcome or count: rows}. The judged rows can be read until the
    next batch. `tags`: the file's new tags so far; those of the batch are added."""
    importing.stage(batch.staged)
    outcomes = importing.judge(target, apply=False)
    outcomes |= importtags.judge(target, batch, tags)
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


# Start, cancel, undo -----------------------------------------------------------------------------


@transaction.atomic
def start(
    import_: Import,
    *,
    enqueue: Callable[[int], Any] | None,
    checked: str | None = None,
    scope: str = "",
) -> None:
    """Queue the import: its new list and attributes are made, and a worker is told after the
    commit.

    Without `enqueue` the caller runs it itself (the command). `checked`: the `choices_of` that the
    person saw. `scope`: the person's answer what "unsubscribed" is about (statuswords.SCOPES); "":
    no answer. Raises ImportRefusedError.
    """
    locked = Import.objects.select_for_update().get(pk=import_.pk)
    if locked.state != Import.State.READY:
        raise ImportRefusedError(_("This import has been started already."))
    if checked not in {None, choices_of(locked)}:
        raise ImportRefusedError(
            _("The columns were changed in another window. See what would happen now, then start.")
        )
    refuse_unmapped(locked.workspace_id, locked.mapping)
    if enqueue:
        _refuse_empty(locked)
    locked.mapping = _make_attributes(locked)
    if locked.new_list and not locked.list_id:
        locked.list = lists.create(locked.workspace, name=locked.new_list)
    _refuse_archived(locked)
    if scope in statuswords.SCOPES:
        said = statuswords.of_import(locked) | {statuswords.ELSEWHERE: scope}
        locked.answers = statuswords.stored(said)
    locked.state = Import.State.QUEUED
    locked.started_at = timezone.now()
    locked.counts = {}
    locked.words = []
    fields = ("mapping", "list", "answers", "state", "started_at", "counts", "words")
    locked.save(update_fields=fields)
    import_.refresh_from_db()
    log.committed.info("import started", **importrun.named(import_), bytes=import_.size)
    if enqueue:
        transaction.on_commit(lambda: jobs.nudge(enqueue, import_.pk))


def _refuse_archived(import_: Import) -> None:
    """The list may have been archived after it was chosen, or made by another import and then
    archived. Locks it until the commit."""
    if import_.list_id is None:
        return
    target = List.objects.select_for_update().get(pk=import_.list_id)
    if target.archived_at:
        text = _("The list {name} was archived meanwhile. Bring it back, or choose another list.")
        raise ImportRefusedError(text.format(name=target.name))


def _refuse_empty(import_: Import) -> None:
    """Only for pages: a command accepts a file without lines. A file larger than its read beginning
    may have lines later."""
    dialect = importfile.dialect_of(import_)
    records = (one for one in _beginning(import_, dialect) if one.line >= dialect.header)
    needed = 2 if dialect.header else 1
    if import_.size <= BEGINNING and len(list(islice(records, needed))) < needed:
        raise ImportRefusedError(
            _(
                "The file has no lines below its column names: there is nothing to import. Choose "
                "another file, or correct “Column names” in the step before."
            )
        )


def _make_attributes(import_: Import) -> list[str]:
    """Make an attribute for each "new:KEY:TYPE"; returns the mapping with the attributes."""
    described = describe(import_, importfile.dialect_of(import_))
    position = Attribute.objects.filter(workspace_id=import_.workspace_id).count()
    going = attributes.being_dropped(import_.workspace_id)
    mapping: list[str] = []
    for number, target in enumerate(import_.mapping):
        kind, _colon, rest = target.partition(":")
        if kind != "new":
            mapping.append(target)
            continue
        key, _colon, type_ = rest.partition(":")
        if key in going:
            text = _(
                "The values of a deleted attribute, {key}, are still being removed. Wait a bit."
            )
            raise ImportRefusedError(text.format(key=key))
        label = described[number].label if number < len(described) else ""
        attribute, _made = Attribute.objects.get_or_create(
            workspace_id=import_.workspace_id,
            key=key,
            defaults={"label": label[:100] or key, "type": type_, "position": position + number},
        )
        mapping.append(f"attribute:{attribute.key}")
    return mapping


@transaction.atomic
def again(import_: Import, *, by: User | None) -> Import:
    """A new import of the same file with the same choices, to be checked: for use after words were
    answered. Raises ImportRefusedError if the file isn't kept any more, or too many wait."""
    if not import_.chunks.exists():
        raise ImportRefusedError(_("The file is no longer kept: upload it again."))
    try:
        unfinished.check_room(import_.workspace, by, import_.size)
    except importfile.UploadError as error:
        raise ImportRefusedError(str(error)) from error
    anew = Import.objects.create(
        workspace=import_.workspace,
        filename=import_.filename,
        size=import_.size,
        state=Import.State.READY,
        dialect=import_.dialect,
        mapping=import_.mapping,
        saved_mapping=import_.saved_mapping,
        answers=import_.answers,
        list=import_.list,
        consent=import_.consent,
        known=import_.known,
        created_by=by,
    )
    importfile.copy(import_, anew)
    try:
        Shaper(anew.mapping, importrun.attributes_of(anew.workspace_id))
    except MappingError:  # an attribute was deleted meanwhile
        described = describe(anew, importfile.dialect_of(anew))
        anew.mapping = [column.guess for column in described]
        anew.save(update_fields=["mapping"])
    return anew


@transaction.atomic
def cancel(import_: Import) -> bool:
    """Stop it. The batch that is being merged is rolled back; those before it stay. If the import
    was never started, its file is deleted at once, to make room for others."""
    cancelled = {"state": Import.State.CANCELLED, "finished_at": timezone.now()}
    going = Import.objects.filter(pk=import_.pk)
    if going.filter(state__in=unfinished.WAITING).update(**cancelled):
        ImportChunk.objects.filter(of_import_id=import_.pk).delete()
    elif not going.exclude(state__in=ENDED).update(**cancelled, leased_until=None):
        return False
    log.committed.info("import cancelled", **importrun.named(import_))
    return True


@transaction.atomic
def undo(import_: Import, *, by: User | None = None) -> Undone | Job:
    """Remove what the import added: its subscriptions, and contacts that it made, that nothing else
    has changed and that have no mail. Values that it changed in known contacts, and subscriptions
    that it ended, come back if nobody has changed them since. For many contacts a job does it, and
    is returned. Raises ImportRefusedError while the import runs or if it was undone before.
    """
    locked = Import.objects.select_for_update().get(pk=import_.pk)
    if locked.state not in ENDED or locked.undone_at:
        raise ImportRefusedError(_("Only an import that has ended can be undone, and only once."))
    Import.objects.filter(pk=locked.pk).update(undone_at=timezone.now())
    log.committed.info("import undone", **importrun.named(locked), user=by and by.pk)
    if jobs.is_large(locked.imported.all()):
        given = {"import": locked.pk, "name": locked.filename}
        return jobs.start(locked.workspace, "undo_import", given, by=by)
    importing.wait_for_turn(locked.workspace_id)
    return importing.undo(locked.pk, after=0, limit=jobs.SMALL)


# Sweeping ----------------------------------------------------------------------------------------


def due() -> list[int]:
    """Imports without a worker: queued, or running with a lease that ran out."""
    lost = Q(state=Import.State.RUNNING, leased_until__lt=timezone.now())
    return list(
        Import.objects.filter(Q(state=Import.State.QUEUED) | lost)
        .order_by("id")
        .values_list("pk", flat=True)
    )


def drop_files() -> int:
    """Delete the files of imports that ended a while ago, and imports that nobody started."""
    before = timezone.now() - KEEP_FILES
    Import.objects.filter(unfinished.overdue()).delete()
    dropped, _models = ImportChunk.objects.filter(
        of_import__state__in=ENDED, of_import__finished_at__lt=before
    ).delete()
    return dropped


# Progress ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImportProgress:
    percent: int
    rows: int
    # Rows per second, and seconds left; None before the first batch.
    rate: float | None
    left: float | None


def elapsed(import_: Import) -> float:
    """Seconds that a person waited, from the click until now or its end. Includes the time when no
    worker had it, or a killed one still held its lease."""
    if import_.started_at is None:
        return 0.0
    return max(0.0, ((import_.finished_at or timezone.now()) - import_.started_at).total_seconds())


def progress(import_: Import) -> ImportProgress:
    seconds, rows = elapsed(import_), import_.counts.get("rows", 0)
    share = import_.next_byte / import_.size if import_.size else 0
    known = seconds > 0 and share > 0
    return ImportProgress(
        percent=100 if import_.state == Import.State.FINISHED else int(share * 100),
        rows=rows,
        rate=rows / seconds if known else None,
        left=seconds * (1 - share) / share if known else None,
    )
