"""Presets: known servers to add as relays ([relay] of a provider's file).

A missing limit isn't published, or differs from account to account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from relays.providers.reading import ProviderFile, TomlTable, having, names
from relays.providers.texts import NO_TEXT, Text, in_language

# Fields of a relay that a preset fills in; the person enters the others.
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
# Values of relays.models.Security and Relay.Envelope.
SECURITIES = ("none", "starttls", "tls")
ENVELOPES = ("verp", "fixed", "from")


class Group(StrEnum):
    """The headings under which presets are offered, in this order."""

    # A service that is made for campaigns.
    CAMPAIGNS = "campaigns"
    # A server of the operator's own.
    OWN = "own"
    # A mailbox for people, which takes some hundred mails a day.
    OFFICE = "office"


@dataclass(frozen=True, slots=True)
class Preset:
    """A known server. A limit of None: unknown."""

    key: str
    group: Group
    order: int
    names: Text
    host: str
    port: int
    security: str
    envelope: str
    username: str
    per_second: Decimal | None
    per_minute: int | None
    per_hour: int | None
    per_day: int | None
    # None: the engine finds out.
    connections: int | None
    messages_per_connection: int | None
    # The server accepts mails only from the address that logs in.
    own_address: bool
    # The provider's own pages; "" for none.
    url: str
    all_notes: Text
    login_hints: Text

    @property
    def name(self) -> str:
        return in_language(self.names)

    @property
    def wants_login(self) -> bool:
        """Whether the server requires a login."""
        return self.group is not Group.OWN

    @property
    def notes(self) -> str:
        return in_language(self.all_notes)

    @property
    def login(self) -> str:
        """What to enter as user and password."""
        return in_language(self.login_hints)

    def values(self) -> dict[str, Any]:
        """{field of Relay: value}, the initial values of a form."""
        return {name: getattr(self, name) for name in FILLS}


@cache
def presets() -> Mapping[str, Preset]:
    """{key: preset} in the order in which they are offered. Raises ProviderError."""
    found = sorted(
        (_preset(file, section) for file, section in having("relay")),
        key=lambda one: (list(Group).index(one.group), one.order),
    )
    return MappingProxyType({one.key: one for one in found})


def get(key: str) -> Preset | None:
    return presets().get(key)


def _preset(file: ProviderFile, section: TomlTable) -> Preset:
    preset = Preset(
        key=file.key,
        group=Group(section.choice("group", list(Group))),
        order=section.number("order"),
        names=names(file, section),
        host=section.line("host"),
        port=section.number("port", high=65_535),
        security=section.choice("security", SECURITIES),
        envelope=section.choice("envelope", ENVELOPES),
        username=section.line("username", ""),
        per_second=section.rate("per_second"),
        per_minute=section.limit("per_minute"),
        per_hour=section.limit("per_hour"),
        per_day=section.limit("per_day"),
        connections=section.limit("connections"),
        messages_per_connection=section.limit("messages_per_connection"),
        own_address=section.flag("own_address"),
        url=section.line("url", ""),
        all_notes=section.text("notes", NO_TEXT),
        login_hints=section.text("login"),
    )
    if not preset.url.startswith("https://") and preset.group is not Group.OWN:
        raise section.wrong("url", "must lead to the provider's pages: https://...")
    section.check_sources(required=True)
    section.end()
    return preset
