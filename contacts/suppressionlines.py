"""Lines about who must not be mailed: addresses, domains and patterns, typed or in a file. Pure.

Doubt never suppresses: a line that can't be read, a reason that nobody has explained, and a date
that is not clear leave the line out, with a reason for the person who reads the result.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts import addresses, csvdetect, patterns, rejects, values
from contacts.csvfile import Bytes, CsvReader
from contacts.exceptions import ContactsError
from contacts.statuswords import (
    ASKED,
    BOUNCED,
    COMPLAINED,
    EMPTY,
    SUPPRESSED,
    UNSUBSCRIBED,
    Vocabulary,
    fold,
)

ADDRESS, DOMAIN, PATTERN = "address", "domain", "pattern"
# Larger files go through the import of contacts, which a worker does.
MOST_BYTES, MOST_LINES = 2_000_000, 20_000
# How many lines that are left out are shown, and how much of each.
MOST_PROBLEMS, SHOWN = 1_000, 100
# Different words that nobody has explained. A file with more has no column of reasons.
MOST_WORDS = 50

# Names of columns, in the form of contacts.statuswords.fold.
NAMES = {
    "value": """addressordomain emailaddress email mail address domain pattern value 邮箱 邮箱地址
        电子邮件 电子邮件地址 邮件地址 地址或域名 地址域名或通配 域名""",
    "reason": "status reason type 状态 原因 类型",
    "until": "until expires expiresat 截止 有效期至 到期",
    "note": "note notes comment 备注 说明",
    "lifted": "liftedat",
}
REASON_OF = {
    UNSUBSCRIBED: "unsubscribed",
    BOUNCED: "hard_bounced",
    COMPLAINED: "complained",
    SUPPRESSED: "imported",
}
# Our own words (contacts.suppressionmodels.Suppression.Reason), which an export may have.
OWN = {
    "hardbounced": "hard_bounced",
    "softbounced": "soft_bounced",
    "manual": "manual",
    "imported": "imported",
    "suppressed": "imported",
}

SENTENCES: dict[str, Promise] = {
    "word": _("Nobody has said yet what this reason means."),
    "wanted": _("The line says that mail is wanted."),
    "until": _("It isn't clear which day is meant. Write it as 2027-03-31."),
    "until_past": _("The day until which it holds is over."),
    "lifted": _("The suppression was lifted where the file comes from."),
    "erased": _("An erased person can't be taken over from a file."),
}


class LinesError(ContactsError, ValueError):
    """The file can't be used; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind`: of contacts.suppressionmodels.Suppression.Kind; `value`: as it is stored."""

    kind: str
    value: str

    @property
    def like_text(self) -> str:
        return patterns.Pattern(self.value).like_text if self.kind == PATTERN else ""


@dataclass(frozen=True, slots=True)
class FileLine:
    """`reason`: of Suppression.Reason, "" if the file says none. `word`: a key of ReadLines.words,
    if nobody has explained the reason yet. `until`: YYYY-MM-DD or ""."""

    line: int
    entry: Entry
    reason: str = ""
    word: str = ""
    until: str = ""
    note: str = ""


@dataclass(slots=True)
class ReadLines:
    """`problems`: (line, what stands there, a code of `said`), at most MOST_PROBLEMS; `left_out`:
    how many there are. `words`: {key: [as the file writes it, number of lines]}."""

    lines: list[FileLine] = field(default_factory=list)
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    left_out: int = 0
    words: dict[str, list[Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "lines": [
                [
                    one.line,
                    one.entry.kind,
                    one.entry.value,
                    one.reason,
                    one.word,
                    one.until,
                    one.note,
                ]
                for one in self.lines
            ],
            "problems": [list(one) for one in self.problems],
            "left_out": self.left_out,
            "words": self.words,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ReadLines":
        lines = [
            FileLine(line, Entry(kind, value), reason, word, until, note)
            for line, kind, value, reason, word, until, note in stored.get("lines", ())
        ]
        problems = [(line, text, why) for line, text, why in stored.get("problems", ())]
        return cls(lines, problems, stored.get("left_out", 0), stored.get("words", {}))

    def leave_out(self, line: int, text: str, why: str) -> None:
        self.left_out += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append((line, text[:SHOWN], why))


def said(code: str) -> str:
    """The sentence for a problem."""
    known = SENTENCES.get(code) or patterns.SENTENCES.get(code.removeprefix("pattern_"))
    return str(known) if known else rejects.text(code)


def entry_of(text: str) -> Entry:
    """An address, a domain (with or without @ in front), or a pattern (with *). Raises
    addresses.AddressError or patterns.PatternError."""
    bare = text.strip(" \t,;")
    if patterns.is_pattern(bare):
        one = patterns.read(bare)
        return Entry(DOMAIN, one.domain) if one.domain else Entry(PATTERN, one.text)
    if "@" in bare[1:] or "＠" in bare[1:]:
        return Entry(ADDRESS, addresses.normalise(bare))
    return Entry(DOMAIN, addresses.normalise_domain(bare))


def read_file(data: bytes, *, today: dt.date) -> ReadLines:
    """The lines of a CSV file or a plain list. Raises LinesError."""
    if len(data) > MOST_BYTES:
        raise LinesError(
            _("The file is larger than 2 MB. Split it, or import it as contacts with a status.")
        )
    if not data.strip():
        raise LinesError(_("There is nothing in this file. Choose another one."))
    try:
        dialect = csvdetect.detect(data[:200_000])
    except csvdetect.NotCsvError as error:
        raise LinesError(str(error)) from error
    found, columns = ReadLines(), {"value": 0}
    each: dict[Entry, FileLine] = {}
    for number, record in enumerate(CsvReader(Bytes(data), dialect)):
        if number > MOST_LINES:
            raise LinesError(
                _("The file has more than 20,000 lines. Split it, or import it as contacts.")
            )
        if number == 0 and (named := _columns(record.cells)):
            columns = named
            continue
        if record.problem:
            found.leave_out(record.line, " ".join(record.cells[:3]), record.problem)
            continue
        _read_record(found, each, record.line, _cells(columns, record.cells), today)
    found.lines = list(each.values())
    return found


def _columns(header: Sequence[str]) -> dict[str, int]:
    """{what: number of the column}; {} for a line that names no column."""
    folded = [fold(cell) for cell in header]
    found: dict[str, int] = {}
    for what, names in NAMES.items():
        for name in names.split():
            if name in folded:
                found.setdefault(what, folded.index(name))
    return found if "value" in found else {}


def _cells(columns: Mapping[str, int], cells: Sequence[str]) -> dict[str, str]:
    there = {what: cells[number] for what, number in columns.items() if number < len(cells)}
    return {what: values.clean(cell).strip() for what, cell in there.items()}


def _read_record(
    found: ReadLines,
    each: dict[Entry, FileLine],
    line: int,
    cells: Mapping[str, str],
    today: dt.date,
) -> None:
    text = cells.get("value", "")
    if not text and cells.get("reason") == "erased":
        found.leave_out(line, text, "erased")
        return
    try:
        entry = entry_of(text)
    except addresses.AddressError as error:
        found.leave_out(line, text, error.reason)
        return
    except patterns.PatternError as error:
        found.leave_out(line, text, f"pattern_{error.reason}")
        return
    reason, word = _reason(cells.get("reason", ""))
    why = next(_doubts(cells, word, today), "")
    if why == "" and word and _is_new(found, word):
        why = "word"
    if why:
        found.leave_out(line, text, why)
        return
    if word:
        found.words.setdefault(word, [cells["reason"][:SHOWN], 0])[1] += 1
    # Of several lines about one address, the first one counts.
    each.setdefault(
        entry, FileLine(line, entry, reason, word, _day(cells), cells.get("note", "")[:2000])
    )


def _doubts(cells: Mapping[str, str], word: str, today: dt.date) -> Iterator[str]:
    if cells.get("lifted"):
        yield "lifted"
    if word == "wanted":
        yield "wanted"
    if until := cells.get("until"):
        try:
            if values.date(until) < today:
                yield "until_past"
        except ValueError:
            yield "until"


def _day(cells: Mapping[str, str]) -> str:
    until = cells.get("until")
    return values.date(until).isoformat() if until else ""


def _is_new(found: ReadLines, word: str) -> bool:
    """Whether it is one word too many."""
    return word not in found.words and len(found.words) >= MOST_WORDS


def _reason(text: str) -> tuple[str, str]:
    """(reason, word that nobody has explained). "wanted" for a word that means mail is wanted."""
    if not text:
        return "", ""
    if own := OWN.get(fold(text)):
        return own, ""
    reading = Vocabulary().read("status", text)
    if reading.key == EMPTY:
        return "", ""
    if reading.flag == ASKED:
        return "", reading.key
    return (REASON_OF[reading.flag], "") if reading.flag in REASON_OF else ("", "wanted")
