"""What a person has chosen on the page of an import's columns, and not checked yet.

The page, which is shown while the file still arrives, sends its form at each change, so that a
reload, a log-out, another language or another sheet loses nothing. It is kept by sheet
(`Import.drafts`), as the form says it, and only to be shown again: the check and the import read
what was confirmed (`importchoices.configure`). Of two windows with the same sheet, the last change
counts.
"""

import re
from collections.abc import Callable, Mapping

from django.db import transaction

from contacts.models import Import
from contacts.services import importchoices

# Where the contacts go: the same for all sheets.
WHERE_TO = frozenset({"list", "new_list", "consent", "consent_text", "known"})
READING = frozenset({"encoding", "delimiter", "header", "dates"})
NAMES = WHERE_TO | READING | {"saved", "remember", "mapping_name"}
COLUMN = re.compile(r"column_\d{1,3}")
# Characters of a choice, and sheets whose choices are kept, the last changed ones.
LONGEST, MOST_SHEETS = 300, 10
LONGER = {"consent_text": importchoices.LONGEST_CONSENT}

Drafts = list[tuple[str, dict[str, str]]]


def of(import_: Import) -> dict[str, str]:
    """The kept choices {name of a field: value} for the sheet that is read; {}: none."""
    kept: dict[str, str] = dict(import_.drafts).get(sheet_of(import_), {})
    return kept


def sheet_of(import_: Import) -> str:
    """The sheet as the form names it; "": the file has none."""
    return str(import_.dialect.get("sheet", ""))


def keep(import_: Import, sheet: str, choices: Mapping[str, str]) -> None:
    """Keep the choices for this sheet, in place of the former ones."""
    names = [name for name in choices if name in NAMES or COLUMN.fullmatch(name)]
    kept = {name: choices[name][: LONGER.get(name, LONGEST)] for name in names}
    sheets = {"", *(str(number) for number, _name in import_.dialect.get("sheets", ()))}
    if sheet in sheets:
        _change(import_, lambda drafts: [*_others(drafts, sheet), (sheet, kept)][-MOST_SHEETS:])


def forget(import_: Import) -> None:
    """The choices for the sheet that is read are confirmed."""
    _change(import_, lambda drafts: _others(drafts, sheet_of(import_)))


def forget_where_to(import_: Import) -> None:
    """Where the contacts go was stored with the import, for all sheets."""
    _change(
        import_,
        lambda drafts: [
            (sheet, {name: kept[name] for name in kept if name not in WHERE_TO})
            for sheet, kept in drafts
        ],
    )


def _others(drafts: Drafts, sheet: str) -> Drafts:
    return [one for one in drafts if one[0] != sheet]


@transaction.atomic
def _change(import_: Import, change: Callable[[Drafts], Drafts]) -> None:
    """Changes nothing once the import was started."""
    states = (Import.State.UPLOADING, Import.State.READING, Import.State.READY)
    waiting = Import.objects.select_for_update().filter(pk=import_.pk, state__in=states)
    before = waiting.values_list("drafts", flat=True).first()
    if before is not None:
        import_.drafts = change([(sheet, kept) for sheet, kept in before])
        Import.objects.filter(pk=import_.pk).update(drafts=import_.drafts)
