"""Rules for replies of providers' servers ([replies] of a provider's file). Pure.

smtp.replies uses them. It can't import this app, so relays.apps passes them to it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from relays.providers.reading import ProviderError, ProviderFile, TomlTable, having, names
from relays.providers.texts import Text
from smtp.replies import rules


@dataclass(frozen=True, slots=True)
class Replies:
    """A file's section. Its rules aren't read yet, because that compiles every pattern."""

    key: str
    order: int
    names: Text
    service: bool
    sign: Any
    rules: Any


@cache
def sections() -> tuple[Replies, ...]:
    """The sections in the order in which their rules are tried. Raises ProviderError."""
    found = (_section(file, section) for file, section in having("replies"))
    return tuple(sorted(found, key=lambda one: one.order))


def _section(file: ProviderFile, section: TomlTable) -> Replies:
    found = Replies(
        key=file.key,
        order=section.number("order"),
        names=names(file, section),
        service=section.flag("service"),
        sign=section.take("sign"),
        rules=section.take("rule"),
    )
    section.end()
    return found


def reply_rules() -> rules.Rules:
    """The rules of all providers. Raises ProviderError."""
    parts = [_rules(one) for one in sections()]
    return rules.Rules(
        tuple(sign for part in parts for sign in part.signs),
        tuple(rule for part in parts for rule in part.rules),
    )


def _rules(one: Replies) -> rules.Rules:
    try:
        return rules.of_provider(one.key, one.names, one.sign, one.rules or [], service=one.service)
    except rules.RuleError as error:
        raise ProviderError(f"{one.key}.toml: [replies] {error}") from error
