"""The mail providers whose recipients share one pace (providers.toml). Pure.

The operator's own file (YANSHU_MAIL_PROVIDERS, the same form) comes first: a provider with a key of
ours replaces it, and a domain belongs to the first that names it.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from relays.exceptions import RelaysError

# Everybody else.
OTHERS = 0
# `number` is stored in a smallint; the operator's own providers count from here on.
FIRST_OWN, LAST = 1000, 32_767


class ProviderError(RelaysError, ValueError):
    """The file of providers can't be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Provider:
    key: str
    number: int
    name: str
    domains: tuple[str, ...]


@cache
def providers() -> tuple[Provider, ...]:
    """Ours and the operator's, his first."""
    ours = read(Path(__file__).with_suffix(".toml"))
    if not settings.MAIL_PROVIDERS:
        return ours
    own = read(Path(settings.MAIL_PROVIDERS), known={one.key: one.number for one in ours})
    keys = {one.key for one in own}
    return (*own, *(one for one in ours if one.key not in keys))


def read(path: Path, known: dict[str, int] | None = None) -> tuple[Provider, ...]:
    """`known`: numbers of ours by key, which the operator's file need not repeat. Raises
    ProviderError."""
    try:
        entries = tomllib.loads(path.read_text())["provider"]
        found = tuple(_provider(entry, known) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderError(f"{path}: {error}") from error
    numbers = [one.number for one in found]
    if len(set(numbers)) < len(numbers):
        raise ProviderError(f"{path}: two providers have the same number")
    return found


def _provider(entry: dict[str, Any], known: dict[str, int] | None) -> Provider:
    key = str(entry["key"])
    number = (known or {}).get(key, entry.get("number", -1))
    lowest = 1 if known is None or key in known else FIRST_OWN
    if not (isinstance(number, int) and lowest <= number <= LAST):
        raise ValueError(f"{key}: number must be from {lowest} to {LAST}")
    domains = tuple(str(domain).lower() for domain in entry["domains"])
    return Provider(key, number, str(entry.get("name", key)), domains)


@cache
def numbers() -> dict[str, int]:
    """{domain: number}"""
    found: dict[str, int] = {}
    for provider in providers():
        for domain in provider.domains:
            found.setdefault(domain, provider.number)
    return found


@cache
def _by_number() -> dict[int, Provider]:
    return {provider.number: provider for provider in providers()}


def lane_name(number: int, address: str) -> str:
    """The name of a message's lane: its provider's key, or else its domain."""
    provider = _by_number().get(number)
    return provider.key if provider else address.rpartition("@")[2].lower()


def lane_number(name: str) -> int:
    """The number of a provider by its key; OTHERS for a domain."""
    return next((one.number for one in providers() if one.key == name), OTHERS)


def label(name: str) -> str:
    """A lane's name as people know it."""
    return next((one.name for one in providers() if one.key == name), name)
