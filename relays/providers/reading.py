"""Reads providers' files, each once, and checks each field when it is taken. Pure.

A mistake is a ProviderError whose text names the file and the field.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from relays.exceptions import RelaysError
from relays.providers.texts import LANGUAGES, Text, same

HERE = Path(__file__).parent
KEY = re.compile(r"[a-z0-9_]{1,30}")
SECTIONS = ("relay", "mail", "mailbox", "replies")
SOURCE = re.compile(r"https://\S{4,300}|RFC \d{3,5}\b.{0,80}")
DATE = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])")
MOST = 100_000_000


class ProviderError(RelaysError, ValueError):
    """A provider's file can't be used; the text says why."""


class TomlTable:
    """A table of a file. Fields are taken one by one; `end` refuses fields that weren't taken."""

    def __init__(self, where: str, values: Any) -> None:
        """`where` begins each complaint: "gmail.toml: [relay]"."""
        if not isinstance(values, dict):
            raise ProviderError(f"{where} must be a table.")
        self.where = where
        self._values: dict[str, Any] = values
        self._known: set[str] = set()

    def wrong(self, field: str, problem: str) -> ProviderError:
        return ProviderError(f"{self.where} {field} {problem}.")

    def take(self, field: str) -> Any:
        """The field's value as it is; None: missing."""
        self._known.add(field)
        return self._values.get(field)

    def end(self) -> None:
        if unknown := sorted(self._values.keys() - self._known):
            known = ", ".join(sorted(self._known))
            raise self.wrong(unknown[0], f"is no field; there are: {known}")

    def line(self, field: str, default: str | None = None) -> str:
        """A text that isn't translated, such as a host. Required, unless there is a default."""
        found = self.take(field)
        if found is None and default is not None:
            return default
        if not isinstance(found, str):
            raise self.wrong(field, "must be a text in quotation marks")
        return found

    def lines(self, field: str) -> tuple[str, ...]:
        found = self.take(field)
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self.wrong(field, 'must be a list of texts: ["...", "..."]')
        return tuple(found)

    def text(self, field: str, default: Text | None = None) -> Text:
        """A text for people, in each language or the same in all."""
        found = self.take(field)
        if found is None and default is not None:
            return default
        if isinstance(found, str) and found:
            return same(found)
        if not isinstance(found, dict) or set(found) != set(LANGUAGES):
            languages = " and ".join(f"{field}.{one}" for one in LANGUAGES)
            raise self.wrong(field, f"is missing: give {languages}")
        if not all(isinstance(one, str) and one for one in found.values()):
            raise self.wrong(field, "must not be empty in any language")
        return found

    def choice(self, field: str, choices: Collection[str]) -> str:
        found = self.take(field)
        if found not in choices:
            raise self.wrong(field, f"must be one of: {', '.join(choices)}")
        return str(found)

    def flag(self, field: str) -> bool:
        found = self.take(field)
        if not isinstance(found, bool | None):
            raise self.wrong(field, "must be true or false")
        return bool(found)

    def number(self, field: str, low: int = 1, high: int = MOST) -> int:
        found = self.limit(field, low, high)
        if found is None:
            raise self.wrong(field, f"must be a number from {low} to {high}")
        return found

    def limit(self, field: str, low: int = 1, high: int = MOST) -> int | None:
        """A whole number; None: missing."""
        found = self.take(field)
        if found is not None and not (type(found) is int and low <= found <= high):
            raise self.wrong(field, f"must be a number from {low} to {high}")
        return found

    def rate(self, field: str) -> Decimal | None:
        """A decimal number; None: missing."""
        found = self.take(field)
        if found is None:
            return None
        if type(found) not in {int, Decimal} or not 0 < found <= MOST:
            raise self.wrong(field, "must be a number above 0")
        return Decimal(found)

    def section(self, field: str) -> "TomlTable | None":
        found = self.take(field)
        return None if found is None else TomlTable(f"{self.where} {field}", found)

    def check_sources(self, *, required: bool) -> None:
        """Checks `sources` (pages or RFCs) and `date` (the month in which they were read)."""
        if self.take("sources") is None and not required:
            return
        sources = self.lines("sources")
        if not sources or not all(SOURCE.fullmatch(one) for one in sources):
            raise self.wrong("sources", 'must name pages (https://...) or RFCs ("RFC 5321")')
        if not DATE.fullmatch(self.line("date", "")):
            raise self.wrong("date", 'must be the month of reading: "2026-11"')


@dataclass(frozen=True, slots=True)
class ProviderFile:
    key: str
    names: Text
    sections: Mapping[str, Any]

    def section(self, name: str) -> TomlTable:
        return TomlTable(f"{self.key}.toml: [{name}]", self.sections[name])


def read(path: Path) -> ProviderFile:
    """The file with unchecked sections. Raises ProviderError."""
    if not KEY.fullmatch(path.stem):
        raise ProviderError(f"{path.name}: use small letters, digits and _ for a file's name.")
    values = tables(path)
    top = TomlTable(f"{path.name}:", values)
    names = top.text("name")
    sections = {name: values[name] for name in SECTIONS if top.take(name) is not None}
    top.end()
    if not sections:
        raise ProviderError(f"{path.name} has none of [{'], ['.join(SECTIONS)}].")
    return ProviderFile(path.stem, names, sections)


def tables(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises ProviderError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ProviderError(f"{path} can't be read ({error.strerror}).") from error
    except ValueError as error:
        raise ProviderError(f"{path}: this is no TOML: {error}") from error


@cache
def files() -> tuple[ProviderFile, ...]:
    """All providers' files, by key. Raises ProviderError."""
    return tuple(read(path) for path in sorted(HERE.glob("*.toml")))


def having(name: str) -> list[tuple[ProviderFile, TomlTable]]:
    """The files with a section of this name: (file, section)."""
    return [(one, one.section(name)) for one in files() if name in one.sections]


def names(file: ProviderFile, section: TomlTable) -> Text:
    """The section's own name, or else the file's."""
    return section.text("name", file.names)
