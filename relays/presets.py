"""Providers whose servers, limits and habits are known; data and sources are in presets.toml."""

import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import get_language

# What a preset fills in of a relay; the rest is the person's.
FILLS = (
    "host",
    "port",
    "security",
    "username",
    "per_second",
    "per_minute",
    "per_hour",
    "per_day",
    "connections",
    "messages_per_connection",
    "envelope",
)

Words = dict[str, str]


@dataclass(frozen=True, slots=True)
class Preset:
    """Limits of None are unknown. `envelope`: a value of Relay.Envelope."""

    key: str
    names: Words
    host: str
    port: int
    security: str
    envelope: str
    # None: the engine finds out.
    connections: int | None = None
    url: str = ""
    username: str = ""
    per_second: Decimal | None = None
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    messages_per_connection: int | None = None
    # Mails are only taken from the address that logs in.
    own_address: bool = False
    # A mailbox for people, which takes some hundred mails a day.
    office: bool = False
    all_notes: Words = field(default_factory=dict)
    login_hints: Words = field(default_factory=dict)

    @property
    def name(self) -> str:
        return _in_language(self.names)

    @property
    def wants_login(self) -> bool:
        """Whether mails are only taken from somebody who logs in."""
        return self.key != "own"

    @property
    def notes(self) -> str:
        return _in_language(self.all_notes)

    @property
    def login(self) -> str:
        """What the provider wants as user and password."""
        return _in_language(self.login_hints)

    def values(self) -> dict[str, Any]:
        """{field of Relay: value}, for a form to begin with."""
        return {name: getattr(self, name) for name in FILLS}


def _in_language(words: Words) -> str:
    language = (get_language() or "en").partition("-")[0]
    return words.get(language) or words.get("en", "")


@cache
def presets() -> dict[str, Preset]:
    """In the order in which they are offered."""
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        entries = tomllib.load(file, parse_float=Decimal)
    return {key: _preset(key, entry) for key, entry in entries.items()}


def _preset(key: str, entry: dict[str, Any]) -> Preset:
    known = {name: value for name, value in entry.items() if name not in {"name", "notes", "login"}}
    if "per_second" in known:
        known["per_second"] = Decimal(known["per_second"])
    return Preset(
        key=key,
        names=entry["name"],
        all_notes=entry.get("notes", {}),
        login_hints=entry.get("login", {}),
        **known,
    )


def get(key: str) -> Preset | None:
    return presets().get(key)
