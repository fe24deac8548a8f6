"""Whether the guess how an import's file is read leaves a doubt. Then the page of the columns opens
these settings; otherwise they are folded."""

from collections.abc import Sequence
from itertools import zip_longest

from contacts import encodings, values
from contacts.columns import Column
from contacts.csvfile import Dialect
from contacts.models import Import
from contacts.services import importchoices, importfile


def is_doubtful(import_: Import, dialect: Dialect, described: Sequence[Column]) -> bool:
    """Whether a person should look at the encoding, the delimiter, the line of the column names or
    the order of dates. `described`: the columns as read in this dialect."""
    if not any(column.guess == "email" for column in described):
        return True
    beginning = importfile.ChunkSource(import_.pk).read(0, importchoices.BEGINNING)
    if not encodings.is_sure(beginning, dialect.encoding):
        return True
    return not import_.dialect.get("dates") and has_open_dates(import_, dialect)


def has_open_dates(import_: Import, dialect: Dialect) -> bool:
    """Whether dates of the file's beginning can be read in two ways."""
    rows = importchoices.first_rows(import_, dialect)[1 if dialect.header else 0 :]
    columns = zip_longest(*rows, fillvalue="")
    return any(values.is_order_open(map(values.clean, column)) for column in columns)
