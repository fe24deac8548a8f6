"""Makes a CSV file of an uploaded file that is packed in a ZIP file.

The uploaded bytes are set aside, and the CSV is written as the import's file. So everything
afterwards reads one kind of file.
"""

from django.conf import settings

from contacts import archives, csvdetect
from contacts.csvdetect import NotCsvError
from contacts.models import Import
from contacts.services import importfile, unfinished
from contacts.services.importfile import AsideFile, ChunkSource


def is_packed(import_: Import) -> bool:
    """Whether the uploaded file is a ZIP file."""
    return ChunkSource(import_.pk).read(0, 4) == csvdetect.ZIP


def unpack(import_: Import) -> None:
    """Write the CSV of the file that was set aside. Sets `size`; the caller saves it, in one
    transaction. Raises NotCsvError."""
    file = AsideFile(import_.pk, importfile.size_aside(import_.pk))
    if kind := csvdetect.kind_of_zip(archives.names(file)):
        raise NotCsvError(kind)
    try:
        import_.size = importfile.write(import_, archives.unpacked(file), limit=_most(import_))
    except importfile.UploadError as error:
        raise NotCsvError("zip_too_large") from error
    if csvdetect.is_packed(ChunkSource(import_.pk).read(0, 8)):
        raise NotCsvError("zip_nested")
    importfile.drop_aside(import_)


def _most(import_: Import) -> int:
    """How many bytes may come out: as many as may be uploaded, within the quota."""
    room = unfinished.room(import_)
    most = settings.IMPORT_MAX_BYTES
    return most if room is None else min(most, room + import_.size)
