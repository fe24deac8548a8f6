"""The quota of files that wait for their import to be started: they take space in the database.

It limits the files and bytes of a workspace and of a person; a workbook that is kept beside its
sheet counts, too. An unfinished upload is deleted after
a day, a file whose import was never started after a week (`imports.drop_files`). Commands, which
have no person, are not limited.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import Case, Count, F, Q, QuerySet, Sum, When
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts.models import Import
from contacts.services.importfile import CHUNK, UploadError
from pages import locales

HALF = (Import.State.UPLOADING, Import.State.READING)
WAITING = (*HALF, Import.State.READY)
MOST_FILES = 50
MOST_OF_PERSON = 20
KEEP_HALF = timedelta(days=1)
KEEP_READY = timedelta(days=7)


def check_room(workspace: Workspace, by: User | None, size: int = 0) -> None:
    """Raises UploadError if no further file, of `size` bytes if known, may be uploaded; its text
    says what to do."""
    if by is None:
        return
    files, room = _used(_of_workspace(workspace))
    own_files, own_room = _used(_of_person(by))
    if own_files >= MOST_OF_PERSON:
        raise UploadError(_of_files(own_files, own=True), 0)
    if files >= MOST_FILES:
        raise UploadError(_of_files(files, own=False), 0)
    if min(room, own_room) < max(size, 1):
        raise UploadError(no_room(), 0)


def room(import_: Import) -> int | None:
    """How many bytes it may grow; None: no limit."""
    if import_.created_by is None:
        return None
    spaces = (_of_workspace(import_.workspace), _of_person(import_.created_by))
    return max(0, min(_used(one)[1] for one in spaces))


def no_room() -> str:
    words = _(
        "Files waiting to be imported may take up {mb} MB together, and this one does not fit. "
        "“Import contacts” lists them: start or cancel one, then upload the file."
    )
    return words.format(mb=locales.number(settings.UNFINISHED_MAX_BYTES // CHUNK))


def _of_files(count: int, *, own: bool) -> str:
    words = (
        _(
            "You already have {count} files waiting to be imported, all your workspaces counted "
            "together. “Import contacts” lists them: start or cancel one, then upload the file."
        )
        if own
        else _(
            "This workspace already has {count} files waiting to be imported. “Import contacts” "
            "lists them: start or cancel one, then upload the file."
        )
    )
    return words.format(count=locales.number(count))


def _of_workspace(workspace: Workspace) -> QuerySet[Import]:
    return Import.objects.filter(workspace=workspace, state__in=WAITING)


def _of_person(by: User) -> QuerySet[Import]:
    """Only in workspaces where the person is a member: elsewhere the person could not cancel it."""
    here = Q(workspace__memberships__user=by)
    return Import.objects.filter(here, created_by=by, state__in=WAITING)


def waiting(workspace: Workspace, by: User) -> QuerySet[Import]:
    """The files that count for this person in this workspace, the workspace's own first."""
    files = _of_workspace(workspace) | Import.objects.filter(pk__in=_of_person(by).values("pk"))
    here = Case(When(workspace=workspace, then=0), default=1)
    return files.select_related("workspace", "created_by").order_by(here, "-pk")


def _used(files: QuerySet[Import]) -> tuple[int, int]:
    """(number of files, bytes left)"""
    size = Sum(F("size") + F("aside"), default=0)
    used = files.aggregate(files=Count("pk"), size=size)
    return used["files"], settings.UNFINISHED_MAX_BYTES - used["size"]


def overdue() -> Q:
    """A condition: imports that nobody will go on with, by `created_at` and state."""
    now = timezone.now()
    return Q(state__in=HALF, created_at__lt=now - KEEP_HALF) | Q(
        state=Import.State.READY, created_at__lt=now - KEEP_READY
    )
