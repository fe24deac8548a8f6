"""Receives a form's multipart file into an import.

The file is never whole in memory or on a disk: bytes go into `ImportChunk` rows as they come.
"""

from typing import Any, NoReturn

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from accounts.models import User, Workspace
from contacts.models import Import, List
from contacts.services import importfile, imports


class Received(UploadedFile):  # type: ignore[type-arg]  # no such thing at run time
    """A form's file that has become an import."""

    def __init__(self, import_: Import) -> None:
        super().__init__(name=import_.filename, size=import_.size)
        self.import_ = import_


class ImportUploadHandler(FileUploadHandler):
    """Writes the file of a multipart form into an import. `problem` says why it stopped."""

    chunk_size = importfile.CHUNK

    def __init__(self, workspace: Workspace, by: User, target: List | None = None) -> None:
        super().__init__()
        self._target = target
        self._workspace = workspace
        self._by = by
        self._buffer = bytearray()
        self._import: Import | None = None
        self._at = 0
        self.problem = ""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._buffer.clear()
        self._at = 0
        try:
            self._import = imports.begin(
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
            self._import.delete()
            return None
        self._import.refresh_from_db()
        return Received(self._import)

    def upload_interrupted(self) -> None:
        if self._import:
            self._import.delete()

    def _put(self, data: bytes) -> None:
        assert self._import is not None  # noqa: S101 - new_file comes first
        try:
            self._at = imports.append(
                self._import, self._at, [data], limit=settings.IMPORT_MAX_BYTES
            )
        except importfile.UploadError as error:
            self._stop(error)

    def _stop(self, error: importfile.UploadError) -> NoReturn:
        self.problem = str(error)
        # Django calls `upload_interrupted` only if the connection breaks.
        self.upload_interrupted()
        raise StopUpload(connection_reset=False) from error
