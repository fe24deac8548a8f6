"""Mappings that people saved by name, for the next file with the same columns."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from contacts import mappings
from contacts.csvfile import Dialect
from contacts.exceptions import ContactsError
from contacts.models import Import, SavedMapping
from contacts.services import importchoices, importfile, importrun

MOST = 100
# How much of a column's name is kept, to be shown.
LONGEST_NAME = 100


class SavedMappingError(ContactsError):
    """The mapping can't be saved; the text says why, for users. `field`: the field of the form that
    it is about."""

    def __init__(self, text: str, field: str = "mapping_name") -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Use:
    """A saved mapping for a file. `lost`: names of the columns whose attribute isn't there any
    more; our guess is used for them."""

    saved: SavedMapping
    dialect: Dialect
    targets: list[str]
    lost: list[str]

    @property
    def dates(self) -> str:
        return self.saved.dates


def fitting(import_: Import, dialect: Dialect) -> list[SavedMapping]:
    """The saved mappings for this header, the last used one first."""
    mark = _mark(import_, dialect)
    own = SavedMapping.objects.filter(workspace_id=import_.workspace_id, fingerprint=mark)
    return list(own.order_by(F("used_at").desc(nulls_last=True), "-pk")) if mark else []


def _mark(import_: Import, dialect: Dialect) -> str:
    rows = importchoices.first_rows(import_, dialect) if dialect.header else []
    return mappings.fingerprint(rows[0]) if rows else ""


def use(import_: Import, saved: SavedMapping, dialect: Dialect) -> Use:
    """The saved mapping for the file read in this dialect."""
    described = importchoices.describe(import_, dialect)
    result = mappings.applied(
        saved.targets, described, importrun.attributes_of(import_.workspace_id)
    )
    lost = [described[number].header for number in result.lost]
    return Use(saved, dialect, result.targets, lost)


def found(import_: Import, dialect: Dialect, *, name: str = "") -> Use | None:
    """The saved mapping for the file (with this name, if one is given): by the header in this
    dialect, else by another of the first lines, because a person may have corrected the line."""
    own = SavedMapping.objects.filter(workspace_id=import_.workspace_id)
    if name:
        own = own.filter(name=name)
    by_mark = {
        saved.fingerprint: saved for saved in own.order_by(F("used_at").asc(nulls_first=True), "pk")
    }
    if not by_mark:
        return None
    lines = importchoices.first_lines(import_, dialect)
    for line, cells in sorted(lines, key=lambda pair: pair[0] != dialect.header):
        if saved := by_mark.get(mappings.fingerprint(cells)):
            return use(import_, saved, Dialect(dialect.encoding, dialect.delimiter, line))
    return None


def suggest(import_: Import) -> None:
    """Choose a saved mapping for a file that was just uploaded, or read by a worker. One that a
    worker reads still is left to that worker."""
    if import_.state != Import.State.READY:
        return
    one = found(import_, importfile.dialect_of(import_))
    if one is None:
        return
    import_.saved_mapping = one.saved
    import_.mapping = one.targets
    import_.dialect = {
        **import_.dialect,
        "header": one.dialect.header,
        "dates": one.dates or importchoices.guess_dates(import_, one.dialect),
    }
    import_.save(update_fields=["saved_mapping", "mapping", "dialect"])


def check_name(import_: Import, name: str, dialect: Dialect) -> None:
    """Raises SavedMappingError if this file's mapping can't be saved by this name."""
    mark = _mark(import_, dialect)
    if not mark:
        text = _("Only the mapping of a file with column names can be remembered.")
        raise SavedMappingError(text, "remember")
    own = SavedMapping.objects.filter(workspace_id=import_.workspace_id)
    same = own.filter(name=name).first()
    if same and same.fingerprint != mark:
        text = _(
            "A saved mapping with this name is for files with other columns. Choose another name."
        )
        raise SavedMappingError(text)
    if same is None and own.count() >= MOST:
        text = _("The workspace has {count} saved mappings, and can't have more. Delete one first.")
        raise SavedMappingError(text.format(count=MOST))


@transaction.atomic
def remember(import_: Import, name: str, *, by: User | None) -> SavedMapping:
    """Save the import's choices about its columns; the mapping of this name is replaced. Raises
    SavedMappingError."""
    Workspace.objects.select_for_update(no_key=True).get(pk=import_.workspace_id)
    chosen, dialect = import_.dialect, importfile.dialect_of(import_)
    check_name(import_, name, dialect)
    header = importchoices.first_rows(import_, dialect)[0]
    choices = {
        "fingerprint": mappings.fingerprint(header),
        "header": [cell.strip()[:LONGEST_NAME] for cell in header],
        "targets": import_.mapping,
        "dates": chosen.get("dates", ""),
    }
    saved, _made = SavedMapping.objects.update_or_create(
        workspace_id=import_.workspace_id,
        name=name,
        defaults=choices,
        create_defaults=choices | {"created_by": by},
    )
    import_.saved_mapping = saved
    import_.save(update_fields=["saved_mapping"])
    return saved


def used(import_: Import) -> None:
    """An import with it was started: its new attributes are made."""
    saved = import_.saved_mapping
    if saved is None:
        return
    made = set(import_.mapping)
    saved.targets = [_made(target, made) for target in saved.targets]
    saved.used_at = timezone.now()
    saved.save(update_fields=["targets", "used_at"])


def _made(target: str, made: set[str]) -> str:
    kind, _colon, rest = target.partition(":")
    attribute = f"attribute:{rest.partition(':')[0]}"
    return attribute if kind == "new" and attribute in made else target


def rename(saved: SavedMapping, name: str) -> None:
    """Raises SavedMappingError if another one has this name."""
    others = SavedMapping.objects.filter(workspace_id=saved.workspace_id, name=name)
    if others.exclude(pk=saved.pk).exists():
        raise SavedMappingError(_("There is a saved mapping with this name already."), "name")
    saved.name = name
    saved.save(update_fields=["name"])
