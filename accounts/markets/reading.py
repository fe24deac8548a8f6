"""Reads the markets' files and checks each field. Pure.

A mistake is a MarketError whose text names the file and the field.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import get_language

from accounts.exceptions import AccountsError

HERE = Path(__file__).parent
LANGUAGES = ("en", "zh")
# Bits of a smallint.
LAST = 14
KEY = re.compile(r"[a-z]{2,10}")
COUNTRY = re.compile(r"[A-Z]{2}")
LABEL = re.compile(r"[a-z]{2,20}|xn--[a-z0-9]{1,30}")
SOURCE = re.compile(r"https://\S{4,300}")
MOST_DAYS = 366
LONGEST_MARK = 20


class MarketError(AccountsError, ValueError):
    """A market's file can't be used; the text says why."""


@dataclass(frozen=True, slots=True)
class SubjectMark:
    """How the subject begins. `chinese`, with its punctuation: for subjects with Chinese
    characters; `other`: for all others. `known`: the words, of which one is enough."""

    chinese: str
    other: str
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarketRules:
    """What a mail needs. The defaults ask for nothing."""

    subject_mark: SubjectMark | None = None
    consent: bool = False
    postal_address: bool = False
    # The mail names an e-mail address for answers that works for so many days; 0: needs none.
    contact_days: int = 0
    # For how many days the link to unsubscribe works. (Ours works as long as the installation.)
    unsubscribe_days: int = 0
    # Opens are counted for a person only with the consent to that (accounts.opencounting).
    opens_with_consent: bool = False


@dataclass(frozen=True, slots=True)
class Market:
    key: str
    # Stored in messages as a bit: never give a number to another market.
    number: int
    names: Mapping[str, str]
    # The market whose rules hold, too; "": none.
    within: str
    # Codes of ISO 3166-1, and top-level domains.
    countries: tuple[str, ...]
    top_level: tuple[str, ...]
    laws: Mapping[str, str]
    # A page about the law, and when it was looked up.
    source: str
    # The page is the authority's entry page, not that of the law.
    entry_page: bool
    looked_up: date
    rules: MarketRules

    @property
    def bit(self) -> int:
        return 1 << self.number

    @property
    def name(self) -> str:
        return in_language(self.names)

    @property
    def law(self) -> str:
        return in_language(self.laws)


def in_language(text: Mapping[str, str]) -> str:
    return text.get((get_language() or "en").partition("-")[0]) or text["en"]


@cache
def markets() -> Mapping[str, Market]:
    """{key: market}, by number. Raises MarketError."""
    return read_all(HERE)


def read_all(folder: Path) -> dict[str, Market]:
    """Raises MarketError."""
    found = sorted(map(read, folder.glob("*.toml")), key=lambda one: one.number)
    known = {one.key: one for one in found}
    if len({one.number for one in found}) < len(found):
        raise MarketError("Two markets have the same number.")
    for one in found:
        if one.within and (one.within not in known or known[one.within].within):
            raise MarketError(f"{one.key}.toml: within must name a market that is in no other.")
    # A state that has a file of its own belongs to this one.
    own = {code for one in found if one.within for code in one.countries}
    for key, one in known.items():
        if not one.within:
            others = tuple(code for code in one.countries if code not in own)
            known[key] = replace(one, countries=others)
    for field in ("countries", "top_level"):
        every = [value for one in known.values() for value in getattr(one, field)]
        if twice := {value for value in every if every.count(value) > 1}:
            raise MarketError(f"Two markets have the same {field}: {', '.join(sorted(twice))}.")
    return known


def read(path: Path) -> Market:
    """Raises MarketError."""
    if not KEY.fullmatch(path.stem):
        raise MarketError(f"{path.name}: use 2 to 10 small letters for a file's name.")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MarketError(f"{path.name} can't be read: {error}") from error
    table = _Table(path.name, values)
    rules = _rules(_Table(f"{path.name}: [rules]", table.take("rules", dict, {})))
    market = Market(
        key=path.stem,
        number=table.number("number", LAST),
        names=table.texts("name"),
        within=table.take("within", str, ""),
        countries=table.lines("countries", COUNTRY),
        top_level=table.lines("top_level", LABEL),
        laws=table.texts("law"),
        source=table.matching("source", SOURCE),
        entry_page=table.take("entry_page", bool, False),
        looked_up=table.take("looked_up", date, None),
        rules=rules,
    )
    table.end()
    return market


def _rules(table: "_Table") -> MarketRules:
    found = MarketRules(
        subject_mark=_subject_mark(table),
        consent=table.take("consent", bool, False),
        postal_address=table.take("postal_address", bool, False),
        contact_days=table.number("contact_days", MOST_DAYS, 0),
        unsubscribe_days=table.number("unsubscribe_days", MOST_DAYS, 0),
        opens_with_consent=table.take("opens_with_consent", bool, False),
    )
    table.end()
    return found


def _subject_mark(table: "_Table") -> SubjectMark | None:
    values = table.take("subject_mark", dict, {})
    if not values:
        return None
    inner = _Table(f"{table.where} subject_mark", values)
    word = re.compile(rf"\S(?:.{{0,{LONGEST_MARK - 1}}})?")
    mark = SubjectMark(
        chinese=inner.matching("chinese", word),
        other=inner.matching("other", word),
        known=inner.lines("known", re.compile(rf"\S{{1,{LONGEST_MARK}}}")),
    )
    inner.end()
    if not all(one.startswith(mark.known) for one in (mark.chinese, mark.other)):
        raise inner.wrong("known", "must have the words of chinese and other")
    return mark


class _Table:
    """Fields are taken one by one; `end` refuses fields that weren't taken."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where = where
        self._values = values
        self._known: set[str] = set()

    def wrong(self, field: str, problem: str) -> MarketError:
        return MarketError(f"{self.where} {field} {problem}.")

    def take(self, field: str, kind: type, default: Any) -> Any:
        """A value of exactly this type. Required if `default` is None."""
        self._known.add(field)
        found = self._values.get(field, default)
        if type(found) is not kind:
            raise self.wrong(field, f"must be a {kind.__name__}")
        return found

    def number(self, field: str, high: int, default: int | None = None) -> int:
        found = self.take(field, int, default)
        if not 0 <= found <= high:
            raise self.wrong(field, f"must be a number from 0 to {high}")
        return int(found)

    def matching(self, field: str, pattern: re.Pattern[str]) -> str:
        found: str = self.take(field, str, None)
        if not pattern.fullmatch(found):
            raise self.wrong(field, f"must match {pattern.pattern}")
        return found

    def lines(self, field: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        found: list[Any] = self.take(field, list, None)
        if not found or not all(isinstance(one, str) and pattern.fullmatch(one) for one in found):
            raise self.wrong(field, f"must be a list of texts that match {pattern.pattern}")
        return tuple(found)

    def texts(self, field: str) -> Mapping[str, str]:
        """A text for people, in each language."""
        found: dict[str, Any] = self.take(field, dict, None)
        if set(found) != set(LANGUAGES) or not all(found.values()):
            raise self.wrong(
                field, f"must have {' and '.join(f'{field}.{one}' for one in LANGUAGES)}"
            )
        return found

    def end(self) -> None:
        if unknown := sorted(self._values.keys() - self._known):
            raise self.wrong(
                unknown[0], f"is no field; there are: {', '.join(sorted(self._known))}"
            )
