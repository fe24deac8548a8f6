"""Receives a form's multipart file into an import.

The file is never whole in memory or on a disk: bytes go into `ImportChunk` rows as they come.
"""

from typing import Any, NoReturn

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

from accounts.models import User, Workspace
from contacts.models import Import, List
from contacts.services import importfile, importuploads


class Received(UploadedFile):  # type: ignore[type-arg]  # no such thing at run time
    """A form's file that has become an import."""

    def __init__(self, import_: Import) -> None:
        super().__init__(name=import_.filename, size=import_.size)
        self.import_ = import_

    def close(self) -> None:
        """Django calls it if it refuses the form; there is no file to close."""


class ImportUploadHandler(FileUploadHandler):
    """Writes the file of a multipart form into an import; only one file, in the field `file`.
    `problem` says why it stopped. The view calls `drop_unused` at the end."""

    chunk_size = importfile.CHUNK
    field = "file"

    def __init__(self, workspace: Workspace, by: User, target: List | None = None) -> None:
        super().__init__()
        self._target = target
        self._workspace = workspace
        self._by = by
        self._buffer = bytearray()
        self._import: Import | None = None
        self._at = 0
        self._complete = False
        self.problem = ""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self._import or self.field_name != self.field:
            raise SkipFile
        self._buffer.clear()
        self._at = 0
        try:
            self._import = importuploads.begin(
                self._workspace, filename=self.file_name or "", by=self._by, target=self._target
            )
        except importfile.UploadError as error:
            self._stop(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's
        self._buffer += raw_data
        while len(self._buffer) >= importfile.CHUNK:
            self._put(bytes(self._buffer[: importfile.CHUNK]))
            del self._buffer[: importfile.CHUNK]

    def file_complete(self, file_size: int) -> Received | None:
        if self._buffer:
            self._put(bytes(self._buffer))
        if self._import is None:
            return None
        if not file_size:  # a form sent without a file
            self._drop()
            return None
        self._complete = True
        self._import.refresh_from_db()
        return Received(self._import)

    def upload_interrupted(self) -> None:
        # Django calls it also when the last file of the form was skipped.
        if not self._complete:
            self._drop()

    def _drop(self) -> None:
        if self._import:
            self._import.delete()
            self._import = None

    def drop_unused(self) -> None:
        """Delete an import whose file the view did not take: Django reads the body before it knows
        whether it accepts the request."""
        if self._import:
            Import.objects.filter(pk=self._import.pk, state=Import.State.UPLOADING).delete()

    def _put(self, data: bytes) -> None:
        assert self._import is not None  # noqa: S101 - new_file comes first
        try:
            self._at = importuploads.append(
                self._import, self._at, [data], limit=settings.IMPORT_MAX_BYTES
            )
        except importfile.UploadError as error:
            self._stop(error)

    def _stop(self, error: importfile.UploadError) -> NoReturn:
        self.problem = str(error)
        # Django calls `upload_interrupted` only if the connection breaks.
        self._drop()
        raise StopUpload(connection_reset=False) from error
