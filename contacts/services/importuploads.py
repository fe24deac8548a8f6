"""From an upload to an import whose columns can be chosen."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts import csvdetect
from contacts.models import Import, List
from contacts.services import importchoices, importfile, importrun, jobs, packedfile, unfinished


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
        import_.aside = importfile.size_aside(import_.pk)
    _guess(import_)
    import_.state = Import.State.READY
    changed = Import.objects.filter(pk=import_.pk, state=was, holder=holder).update(
        size=import_.size,
        aside=import_.aside,
        dialect=import_.dialect,
        mapping=import_.mapping,
        state=import_.state,
        error="",
        leased_until=None,
    )
    if not changed:
        raise importrun.ImportLostError


def _guess(import_: Import) -> None:
    packed = importchoices.packed_in(import_.dialect)
    detect = csvdetect.of_sheet if "sheet" in packed else csvdetect.detect
    dialect = detect(importfile.sample(import_))
    described = importchoices.describe(import_, dialect)
    import_.dialect = {
        **packed,
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter,
        "header": dialect.header,
        "dates": importchoices.guess_dates(import_, dialect),
    }
    import_.mapping = [column.guess for column in described]


def guess_early(import_: Import) -> bool:
    """Set, but don't store, what the first bytes of a file say that still arrives. Returns False
    for a packed file, which can only be read as a whole. Raises csvdetect.NotCsvError."""
    if packedfile.is_packed(import_):
        return False
    _guess(import_)
    return True


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
        raise importchoices.ImportRefusedError(_("This sheet isn't in the workbook."))
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
        raise importchoices.ImportRefusedError(_("This import has been started already."))
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
