"""Servers of known providers for bounce mailboxes ([mailbox] of a provider's file). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from relays.providers.reading import ProviderFile, TomlTable, having, names
from relays.providers.texts import Text, in_language

SECURITIES = ("tls", "starttls")


@dataclass(frozen=True, slots=True)
class MailboxServer:
    host: str
    port: int
    security: str


@dataclass(frozen=True, slots=True)
class MailboxProvider:
    key: str
    order: int
    names: Text
    notes: Text
    imap: MailboxServer
    # None: the provider's own pages name none.
    pop3: MailboxServer | None

    @property
    def name(self) -> str:
        return in_language(self.names)

    @property
    def note(self) -> str:
        """A hint for people who add a mailbox of this provider."""
        return in_language(self.notes)


@cache
def mailbox_providers() -> Mapping[str, MailboxProvider]:
    """{key: provider} in the order in which they are offered. Raises ProviderError."""
    found = sorted(
        (_provider(file, section) for file, section in having("mailbox")),
        key=lambda one: one.order,
    )
    return MappingProxyType({one.key: one for one in found})


def get(key: str) -> MailboxProvider | None:
    return mailbox_providers().get(key)


def _provider(file: ProviderFile, section: TomlTable) -> MailboxProvider:
    imap, pop3 = section.section("imap"), section.section("pop3")
    if imap is None:
        raise section.wrong("imap", "is missing")
    provider = MailboxProvider(
        key=file.key,
        order=section.number("order"),
        names=names(file, section),
        notes=section.text("note"),
        imap=_server(imap),
        pop3=None if pop3 is None else _server(pop3),
    )
    section.check_sources(required=pop3 is not None)
    section.end()
    return provider


def _server(section: TomlTable) -> MailboxServer:
    server = MailboxServer(
        section.line("host"),
        section.number("port", high=65_535),
        section.choice("security", SECURITIES),
    )
    section.end()
    return server
