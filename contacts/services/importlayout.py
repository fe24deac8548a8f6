"""The facts that the header of an import's file gives about the whole file and the chosen list."""

from dataclasses import dataclass

from contacts import columns, reimport
from contacts.csvfile import CsvReader
from contacts.models import Import, List
from contacts.programs import Program
from contacts.reimport import OnLists
from contacts.services.importfile import ChunkSource, dialect_of
from contacts.statuswords import LIST


@dataclass(frozen=True, slots=True)
class Layout:
    """`own`: a contacts export of Yanshu. `lists`: {list column: the list that it names}.
    `program`: the other program that probably wrote the file."""

    own: bool
    lists: dict[int, str | None]
    on_lists: OnLists
    program: Program | None = None

    @property
    def summed_up(self) -> bool:
        """Whether "unsubscribed" in the file may be about other lists than the one chosen."""
        return self.own and self.on_lists.about is None


def layout_of(import_: Import) -> Layout:
    header = _header(import_)
    lists = {
        number: reimport.list_named(header[number]) if number < len(header) else None
        for number, target in enumerate(import_.mapping)
        if target == LIST
    }
    goes_into = _names(import_) if import_.list or import_.new_list else []
    about = reimport.column_about(lists, goes_into) if goes_into else None
    joined = reimport.joined_in(header)
    on_lists = OnLists(tuple(lists), about, joined if joined in lists else None, tuple(goes_into))
    return Layout(reimport.is_ours(header), lists, on_lists, columns.program_of(header))


def _header(import_: Import) -> list[str]:
    dialect = dialect_of(import_)
    records = CsvReader(ChunkSource(import_.pk), dialect) if dialect.header else ()
    return next((record.cells for record in records if record.line >= dialect.header), [])


def _names(import_: Import) -> list[str]:
    """The name of the target list and its former names, except those that another list has now."""
    if import_.list is None:
        return [import_.new_list]
    former = import_.list.former_names
    taken = List.objects.filter(workspace_id=import_.workspace_id, name__in=former)
    others = set(taken.values_list("name", flat=True))
    return [import_.list.name, *(name for name in reversed(former) if name not in others)]
