"""Mail providers, whose recipients share one lane ([mail] of a provider's file). Pure.

A provider limits mails to all of its domains together. The operator's own file
(YANSHU_MAIL_PROVIDERS, docs/operators/relays.md) comes first: its provider replaces ours with the
same key, and a domain belongs to the first provider that names it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from relays.providers.reading import ProviderError, TomlTable, having, names, tables
from relays.providers.texts import Text, in_language, same

# The number of all domains without a known provider.
OTHERS = 0
# Numbers of the operator's own providers; `number` is stored in a smallint.
FIRST_OWN, LAST = 1000, 32_767
# Without points: the key is a lane's name, and a point there means a domain.
OWN_KEY = re.compile(r"[\w-]{1,60}")
COUNTRY = re.compile(r"(?:[A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class MailProvider:
    key: str
    # Stored in messages: never give a number to another provider.
    number: int
    names: Text
    domains: tuple[str, ...]
    # The code of the country (ISO 3166-1) that most of its people live in; "": people everywhere.
    country: str = ""

    @property
    def name(self) -> str:
        return in_language(self.names)


_own: tuple[MailProvider, ...] = ()


def use(path: str) -> None:
    """Loads the operator's file, once when the process starts; "": none. Raises ProviderError."""
    global _own  # noqa: PLW0603 - a setting, of which a process has one
    _own = read_own(Path(path)) if path else ()
    for kept in (mail_providers, numbers, domain_countries, _by_number, _by_key):
        kept.cache_clear()


@cache
def mail_providers() -> tuple[MailProvider, ...]:
    """The operator's providers, then ours by number. Raises ProviderError."""
    keys = {one.key for one in _own}
    return (*_own, *(one for one in ours() if one.key not in keys))


@cache
def ours() -> tuple[MailProvider, ...]:
    found = []
    for file, section in having("mail"):
        found.append(
            MailProvider(
                file.key,
                section.number("number", high=FIRST_OWN - 1),
                names(file, section),
                _domains(section),
                _country(section),
            )
        )
        section.end()
    return tuple(sorted(found, key=lambda one: one.number))


def read_own(path: Path) -> tuple[MailProvider, ...]:
    """Raises ProviderError."""
    top = TomlTable(f"{path}:", tables(path))
    entries = top.take("provider")
    top.end()
    if not isinstance(entries, list) or not entries:
        raise ProviderError(f"{path}: write each provider as [[provider]].")
    known = {one.key: one for one in ours()}
    found = tuple(
        _own_provider(TomlTable(f"{path}: provider {place}:", entry), known)
        for place, entry in enumerate(entries, 1)
    )
    for field in ("key", "number"):
        if len({getattr(one, field) for one in found}) < len(found):
            raise ProviderError(f"{path}: two providers have the same {field}.")
    return found


def _own_provider(section: TomlTable, known: Mapping[str, MailProvider]) -> MailProvider:
    key = section.line("key")
    if not OWN_KEY.fullmatch(key):
        raise section.wrong("key", "must be one word without points")
    replaced = known.get(key)
    provider = MailProvider(
        key,
        _own_number(section, replaced.number if replaced else None),
        section.text("name", same(key)),
        _domains(section),
        _country(section, replaced.country if replaced else ""),
    )
    section.end()
    return provider


def _own_number(section: TomlTable, ours: int | None) -> int:
    """The number of an operator's provider; one with a key of ours keeps our number."""
    if ours is None:
        return section.number("number", FIRST_OWN, LAST)
    if section.limit("number") not in {None, ours}:
        raise section.wrong("number", f"is {ours} for this key: leave it out")
    return ours


def _domains(section: TomlTable) -> tuple[str, ...]:
    found = tuple(one.lower() for one in section.lines("domains"))
    if not found or not all("." in one for one in found):
        raise section.wrong("domains", 'must be domains: ["example.com"]')
    return found


def _country(section: TomlTable, default: str = "") -> str:
    code = section.line("country", default)
    if not COUNTRY.fullmatch(code):
        raise section.wrong("country", 'must be a code with two capitals: "CN"')
    return code


@cache
def numbers() -> dict[str, int]:
    """{domain: number}"""
    found: dict[str, int] = {}
    for provider in mail_providers():
        for domain in provider.domains:
            found.setdefault(domain, provider.number)
    return found


@cache
def domain_countries() -> dict[str, str]:
    """{domain: code of its provider's country}, for providers of one country; also domains of ours
    that the operator's provider with the same key doesn't name."""
    found: dict[str, str] = {}
    for provider in (*_own, *ours()):
        if provider.country:
            for domain in provider.domains:
                found.setdefault(domain, provider.country)
    return found


@cache
def _by_number() -> dict[int, MailProvider]:
    return {provider.number: provider for provider in mail_providers()}


@cache
def _by_key() -> dict[str, MailProvider]:
    return {provider.key: provider for provider in mail_providers()}


def lane_name(number: int, address: str) -> str:
    """The name of a message's lane: its provider's key, or else its domain."""
    provider = _by_number().get(number)
    return provider.key if provider else address.rpartition("@")[2].lower()


def lane_number(name: str) -> int:
    """The number of a provider by its key; OTHERS for a domain."""
    provider = _by_key().get(name)
    return provider.number if provider else OTHERS


def label(name: str) -> str:
    """A lane's name for people."""
    provider = _by_key().get(name)
    return provider.name if provider else name
