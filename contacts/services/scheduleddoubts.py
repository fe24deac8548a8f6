"""Whether a fetched file may be imported without a person: it is read and meant as the last one.

The choices of the last import are given to the file's import as far as they fit, also if a person
must look at it: then the person begins with them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from contacts.csvfile import Dialect
from contacts.models import Import
from contacts.scheduledmodels import ScheduledImport
from contacts.services import (
    importchecks,
    importchoices,
    importdoubts,
    importfile,
    importrun,
    importuploads,
    savedmappings,
    statuswords,
)
from contacts.services.savedmappings import LONGEST_NAME
from pages import locales

# The largest share of rejected lines, and the smallest size compared with the last file's.
MOST_REJECTED, LEAST_SIZE = 0.1, 0.5
# Names of columns, and words, in a reason.
NAMED = 5

Reasons = list[tuple[str, str]]


def find(schedule: ScheduledImport, import_: Import) -> Reasons:
    """[(code of contacts.fetchreasons, words)]; []: it can be imported. Gives the import its
    choices. May take as long as an import, since it checks each line."""
    last = schedule.confirmed
    if last is None or schedule.state == ScheduledImport.State.SETUP:
        return [("first", "")]
    if last.undone_at or last.state == Import.State.CANCELLED:
        _adopt(import_, last)
        return [("undone", "")]
    if not _choose_sheet(last, import_):
        _adopt(import_, last)
        return [("sheets", last.title)]
    dialect = importfile.dialect_of(last)
    changed = _changed_columns(schedule, header_of(import_, dialect))
    if changed is not None:
        _adopt(import_, last)
        return [changed]
    reasons = [*_of_target(schedule, last), *_of_reading(last, import_, dialect)]
    reasons += _of_size(last, import_)
    if reasons:
        _adopt(import_, last, dialect=_chosen(last), mapping=last.mapping)
        return reasons
    return _configured(last, import_) or _checked(import_)


def header_of(import_: Import, dialect: Dialect) -> list[str]:
    """The names of the columns, cut; without a line of names as many empty ones."""
    first = next(iter(importchoices.first_rows(import_, dialect)), [])
    return [cell.strip()[:LONGEST_NAME] if dialect.header else "" for cell in first]


def _choose_sheet(last: Import, import_: Import) -> bool:
    """Read the sheet with the name of the last one; False if there is none. Of workbooks with one
    sheet its name may change."""
    before = dict(last.dialect.get("sheets", ()))
    now = {name: number for number, name in import_.dialect.get("sheets", ())}
    if not before or not now or len(before) == len(now) == 1:
        return True
    number = now.get(before.get(last.dialect.get("sheet"), ""))
    if number is None:
        return False
    if number != import_.dialect.get("sheet"):
        importuploads.choose_sheet(import_, number)
        savedmappings.suggest(import_)
    return True


def _changed_columns(schedule: ScheduledImport, header: Sequence[str]) -> tuple[str, str] | None:
    """None if they are the same; else the reason: what is new and what is gone, or the order."""
    before = list(schedule.header)
    if list(header) == before:
        return None
    if sorted(header) == sorted(before):
        moved = [name or "–" for name, was in zip(header, before, strict=True) if name != was]
        return "order", " · ".join(moved[:NAMED]) + (" …" if len(moved) > NAMED else "")
    new = [name for name in header if name and name not in before][:NAMED]
    gone = [name for name in before if name and name not in header][:NAMED]
    signs = [f"+ {name}" for name in new] + [f"− {name}" for name in gone]
    return "header", " · ".join(signs) or f"{len(before)} → {len(header)}"


def _of_target(schedule: ScheduledImport, last: Import) -> Iterator[tuple[str, str]]:
    if schedule.into_list and last.list is None:
        yield "list_gone", ""
    elif last.list and last.list.archived_at:
        yield "list_archived", last.list.name
    if gone := importrun.gone(last, importrun.attributes_of(last.workspace_id)):
        yield "attribute_gone", ", ".join(sorted(gone)[:NAMED])


def _of_reading(last: Import, import_: Import, dialect: Dialect) -> Iterator[tuple[str, str]]:
    guessed = import_.dialect["encoding"]
    if guessed != dialect.encoding and not importfile.sample(import_).isascii():
        yield "encoding_doubt", f"{dialect.encoding} → {guessed}"
    before, now = last.dialect.get("dates", ""), import_.dialect.get("dates", "")
    if before and now and before != now:
        yield "dates", f"{before} → {now}"
    elif not (before or now) and importdoubts.has_open_dates(import_, dialect):
        yield "dates", ""


def _of_size(last: Import, import_: Import) -> Iterator[tuple[str, str]]:
    if last.size and import_.size < last.size * LEAST_SIZE:
        yield "shrank", locales.percent(import_.size, last.size)


def _chosen(last: Import) -> dict[str, Any]:
    names = ("encoding", "delimiter", "header", "dates")
    return {name: last.dialect.get(name, "") for name in names}


def _adopt(
    import_: Import,
    last: Import,
    *,
    dialect: dict[str, Any] | None = None,
    mapping: list[str] | None = None,
) -> None:
    """Where the contacts go, and with `mapping` also what the columns are, for a person to confirm.
    Nothing is refused: the page says what is wrong."""
    values: dict[str, Any] = {
        "list": last.list if last.list and not last.list.archived_at else None,
        "consent": last.consent,
        "consent_text": last.consent_text,
        "known": last.known,
        "answers": last.answers,
    }
    if mapping is not None:
        values |= {"mapping": mapping, "saved_mapping": last.saved_mapping}
    if dialect is not None:
        dates = dialect["dates"] or import_.dialect.get("dates", "")
        values["dialect"] = importchoices.packed_in(import_.dialect) | dialect | {"dates": dates}
    Import.objects.filter(pk=import_.pk, state=Import.State.READY).update(**values)
    import_.refresh_from_db()


def _configured(last: Import, import_: Import) -> Reasons:
    dialect = _chosen(last)
    dialect["dates"] = dialect["dates"] or import_.dialect.get("dates", "")
    try:
        importchoices.configure(
            import_,
            dialect=dialect,
            mapping=last.mapping,
            target=last.list,
            consent=last.consent,
            consent_text=last.consent_text,
            known=last.known,
            answers=statuswords.of_import(last),
            saved=last.saved_mapping,
        )
    except importchoices.ImportRefusedError as error:
        return [("refused", str(error))]
    return []


def _checked(import_: Import) -> Reasons:
    """What a dry run over the whole file finds."""
    checked = importchecks.check(import_, rows=None, examples=0, problems=0)
    counts = checked.counts
    reasons: Reasons = []
    if not counts["rows"]:
        return [("no_rows", "")]
    if counts["rejected"] > MOST_REJECTED * counts["rows"]:
        share = locales.percent(counts["rejected"], counts["rows"])
        reasons.append(("rejected", share))
    if asked := checked.words.asked:
        reasons.append(("status_words", " · ".join(word.text or "–" for word in asked[:NAMED])))
    if counts["elsewhere"] and not statuswords.scope_said(import_):
        reasons.append(("scope", ""))
    return reasons
