"""Imports: started, cancelled, undone and swept. The steps before are in `importuploads`,
`importchoices` and `importchecks`; running one is in `importrun`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from contacts.checkmodels import ImportCheck
from contacts.models import Attribute, Import, ImportChunk, Job, List
from contacts.queries import importing, importundo
from contacts.queries.importundo import Undone
from contacts.rows import MappingError, Shaper
from contacts.services import (
    attributes,
    importchecks,
    importchoices,
    importfile,
    importrun,
    jobs,
    lists,
    statuswords,
    unfinished,
)
from environment import logs

log = logs.get(__name__)

KEEP_FILES = timedelta(days=1)
ENDED = (Import.State.FINISHED, Import.State.CANCELLED, Import.State.FAILED)


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
        raise importchoices.ImportRefusedError(_("This import has been started already."))
    if checked not in {None, importchecks.choices_of(locked)}:
        raise importchoices.ImportRefusedError(
            _("The columns were changed in another window. See what would happen now, then start.")
        )
    importchoices.refuse_unmapped(locked.workspace_id, locked.mapping)
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
    ImportCheck.objects.filter(of_import=locked).delete()  # it quotes the file
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
        raise importchoices.ImportRefusedError(text.format(name=target.name))


def _refuse_empty(import_: Import) -> None:
    """Only for pages: a command accepts a file without lines. A file larger than its read beginning
    may have lines later."""
    dialect = importfile.dialect_of(import_)
    records = (
        one for one in importchoices.beginning(import_, dialect) if one.line >= dialect.header
    )
    needed = 2 if dialect.header else 1
    if import_.size <= importchoices.BEGINNING and len(list(islice(records, needed))) < needed:
        raise importchoices.ImportRefusedError(
            _(
                "The file has no lines below its column names: there is nothing to import. Choose "
                "another file, or correct “Column names” in the step before."
            )
        )


def _make_attributes(import_: Import) -> list[str]:
    """Make an attribute for each "new:KEY:TYPE"; returns the mapping with the attributes."""
    described = importchoices.describe(import_, importfile.dialect_of(import_))
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
            raise importchoices.ImportRefusedError(text.format(key=key))
        label = described[number].label if number < len(described) else ""
        attribute, _made = Attribute.objects.get_or_create(
            workspace_id=import_.workspace_id,
            key=key,
            defaults={"label": label[:100] or key, "type": type_},
        )
        mapping.append(f"attribute:{attribute.key}")
    if mapping != import_.mapping:
        attributes.arrange(import_.workspace)
    return mapping


@transaction.atomic
def again(import_: Import, *, by: User | None) -> Import:
    """A new import of the same file with the same choices, to be checked: for use after words were
    answered. Raises ImportRefusedError if the file isn't kept any more, or too many wait."""
    if not import_.chunks.exists():
        raise importchoices.ImportRefusedError(_("The file is no longer kept: upload it again."))
    try:
        unfinished.check_room(import_.workspace, by, import_.size + import_.aside)
    except importfile.UploadError as error:
        raise importchoices.ImportRefusedError(str(error)) from error
    anew = Import.objects.create(
        workspace=import_.workspace,
        filename=import_.filename,
        size=import_.size,
        aside=import_.aside,
        state=Import.State.READY,
        dialect=import_.dialect,
        mapping=import_.mapping,
        saved_mapping=import_.saved_mapping,
        answers=import_.answers,
        list=import_.list,
        consent=import_.consent,
        consent_text=import_.consent_text,
        known=import_.known,
        created_by=by,
    )
    importfile.copy(import_, anew)
    try:
        Shaper(anew.mapping, importrun.attributes_of(anew.workspace_id))
    except MappingError:  # an attribute was deleted meanwhile
        described = importchoices.describe(anew, importfile.dialect_of(anew))
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
        ImportCheck.objects.filter(of_import_id=import_.pk).delete()
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
        raise importchoices.ImportRefusedError(
            _("Only an import that has ended can be undone, and only once.")
        )
    Import.objects.filter(pk=locked.pk).update(undone_at=timezone.now())
    log.committed.info("import undone", **importrun.named(locked), user=by and by.pk)
    if jobs.is_large(locked.imported.all()):
        given = {"import": locked.pk, "name": locked.filename}
        return jobs.start(locked.workspace, "undo_import", given, by=by)
    importing.wait_for_turn(locked.workspace_id)
    return importundo.undo(locked.pk, after=0, limit=jobs.SMALL)


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
    ImportCheck.objects.filter(asked_at__lt=before).delete()
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
