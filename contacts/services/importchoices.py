"""The columns of an import's file: read for guesses, described, and chosen by a person."""

from collections.abc import Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any

from django.utils.translation import gettext as _

from contacts import columns, csvdetect, values
from contacts.columns import Column
from contacts.csvfile import Bytes, CsvReader, Dialect
from contacts.exceptions import ContactsError
from contacts.models import Import, List, SavedMapping
from contacts.rows import MappingError, NewAttributeError, NoAddressColumnError, Shaper
from contacts.services import importfile, importrun, statuswords

# How many bytes of a file are read for guesses.
BEGINNING = 256 * 1024
# Characters of the text that people agreed to.
LONGEST_CONSENT = 4_000


class ImportRefusedError(ContactsError):
    """The import can't do this now; the text says why, for users."""


def first_rows(import_: Import, dialect: Dialect) -> list[list[str]]:
    """The header, if any, and the first records, read in this dialect: as much as guesses need."""
    reader = beginning(import_, dialect)
    below = (_cut(record.cells) for record in reader if record.line >= dialect.header)
    return list(islice(below, csvdetect.SAMPLE_RECORDS))


def refuse_wide(import_: Import, dialect: Dialect) -> None:
    """Raises ImportRefusedError if the file has too many columns in this dialect."""
    first = islice(beginning(import_, dialect), csvdetect.SAMPLE_RECORDS)
    if csvdetect.is_too_wide(record.cells for record in first):
        raise ImportRefusedError(str(csvdetect.SENTENCES["columns"]))


def _cut(cells: Sequence[str]) -> list[str]:
    return [cell[: csvdetect.LOOKED_AT + 1] for cell in cells[: csvdetect.MAX_COLUMNS]]


def first_lines(import_: Import, dialect: Dialect) -> list[tuple[int, list[str]]]:
    """The records that may be the header, each with its line."""
    reader = beginning(import_, dialect)
    first = islice(reader, csvdetect.HEADER_RECORDS)
    return [(record.line, _cut(record.cells)) for record in first]


def beginning(import_: Import, dialect: Dialect) -> CsvReader:
    return CsvReader(Bytes(importfile.ChunkSource(import_.pk).read(0, BEGINNING)), dialect)


def describe(import_: Import, dialect: Dialect) -> list[Column]:
    return columns.describe(
        first_rows(import_, dialect),
        header=bool(dialect.header),
        known=importrun.attributes_of(import_.workspace_id),
    )


def guess_dates(import_: Import, dialect: Dialect) -> str:
    """The order of day, month and year in the file's date columns; "" if they leave it open. If
    only days without a year do, it is the one of the program that wrote the file."""
    first = first_rows(import_, dialect)
    rows = first[1 if dialect.header else 0 :]
    cells = [[values.clean(cell) for cell in column] for column in zip_longest(*rows, fillvalue="")]
    orders = {values.guess_order(column) for column in cells} - {""}
    if orders:
        return orders.pop() if len(orders) == 1 else ""
    program = columns.program_of(first[0]) if dialect.header and first else None
    open_ones = [column for column in cells if values.is_order_open(column)]
    yearless = all(values.is_day_of_year(text) for column in open_ones for text in column if text)
    return program.days if program and yearless else ""


def packed_in(dialect: Mapping[str, Any]) -> dict[str, Any]:
    """What the dialect of a packed file says of the upload (its bytes, and the sheets of a
    workbook)."""
    return {key: dialect[key] for key in ("sheet", "sheets", "uploaded") if key in dialect}


def configure(  # noqa: PLR0913 - one argument a choice of the page
    import_: Import,
    *,
    dialect: dict[str, Any],
    mapping: Sequence[str],
    target: List | None,
    consent: str,
    known: str,
    consent_text: str = "",
    new_list: str = "",
    answers: Mapping[tuple[str, str], str] | None = None,
    saved: SavedMapping | None = None,
) -> None:
    """Store the choices. `consent_text`: what people agreed to; `new_list`: the name of a list that
    `start` will make; `answers`: the meanings of words in this file
    (contacts.statuswords.Vocabulary); `saved`: the mapping that they began with. Raises
    ImportRefusedError if the mapping can't be used, the file has too many columns, or the import
    was started."""
    refuse_wide(import_, Dialect(dialect["encoding"], dialect["delimiter"], int(dialect["header"])))
    refuse_unmapped(import_.workspace_id, mapping)
    changed = Import.objects.filter(pk=import_.pk, state=Import.State.READY).update(
        dialect=packed_in(import_.dialect) | dialect,
        mapping=list(mapping),
        list=target,
        new_list="" if target else new_list,
        consent=consent,
        consent_text=_consent_text(consent_text),
        known=known,
        saved_mapping=saved,
        **({} if answers is None else {"answers": statuswords.stored(answers)}),
    )
    if not changed:
        raise ImportRefusedError(_("This import has been started already."))
    import_.refresh_from_db()


def _consent_text(text: str) -> str:
    if len(text) > LONGEST_CONSENT:
        raise ImportRefusedError(_("The text may have 4,000 characters."))
    return values.without_controls(text).strip()


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
