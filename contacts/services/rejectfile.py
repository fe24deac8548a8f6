"""An import's rejected lines, and the values that were left out, as CSV."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from contacts import exports, rejects
from contacts.batches import Reject
from contacts.models import Import, ImportReject
from contacts.services import importchoices, importfile


def stream(import_: Import) -> Iterator[bytes]:
    """Line number, reason, whether the person was imported, the value, then the line's cells."""
    rows = ImportReject.objects.filter(of_import=import_).order_by("line", "id")
    fields = ("line", "reason", "kept", "value", "cells")
    return written(import_, (Reject(*row) for row in rows.values_list(*fields).iterator(2000)))


def written(import_: Import, rejected: Iterable[Reject]) -> Iterator[bytes]:
    """The same for these rejects."""
    return exports.stream(_header(import_), map(_row, _with_cells(rejected)))


def _with_cells(rejected: Iterable[Reject]) -> Iterator[Reject]:
    """Each with the cells of its line, which only the first of the line has."""
    first = None
    for reject in rejected:
        if first and not reject.cells and reject.line == first.line:
            yield reject._replace(cells=first.cells)
        else:
            first = reject
            yield reject


def _row(reject: Reject) -> list[Any]:
    return [reject.line, rejects.text(reject.reason), reject.kept, reject.value, *reject.cells]


def _header(import_: Import) -> list[str]:
    header = [_("Line"), _("Reason"), _("Imported"), _("Value")]
    if import_.dialect.get("header") and import_.chunks.exists():
        rows = importchoices.first_rows(import_, importfile.dialect_of(import_))
        header += rows[0] if rows else []
    return header
