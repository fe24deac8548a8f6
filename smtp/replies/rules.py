"""Reads and checks rules in TOML. Pure."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smtp.events import MailEvent
from smtp.exceptions import SmtpError
from smtp.replies.meanings import Meaning, Stage
from smtp.replies.regexcost import problem

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
CODE = re.compile(r"[45]\d{0,2}")
ENHANCED = re.compile(r"[45](\.\d{1,3}){0,2}|none")
FIELDS = {
    "name", "provider", "code", "enhanced", "text", "stage", "meaning", "kind", "source",
    "of_account",
}  # fmt: skip

# Kinds of bounces (bounces.reading.ReportKind) that suppress nobody.
KINDS = frozenset({MailEvent.SOFT_BOUNCED, MailEvent.BLOCKED, MailEvent.CHALLENGED})


class RuleError(SmtpError):
    """A rule can't be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Sign:
    """The pattern by which a provider's replies are recognized."""

    # The provider's key.
    key: str
    # By language.
    names: Mapping[str, str]
    pattern: re.Pattern[str]
    # The provider sends mails for customers: a limit in its replies is the customer's.
    service: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, prepared for matching."""

    code: str
    enhanced: str
    # See smtp.replies.words.
    full: str
    said: str
    about_recipient: str
    stage: Stage
    # Keys of the signs found in it.
    signs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """Matches a reply if all given conditions match. `text`: as its author wrote it."""

    name: str
    meaning: Meaning
    # The key of the sign that must be in the reply; "" for any reply.
    provider: str = ""
    code: tuple[str, ...] = ()
    # Each ends with a dot, so that 5.1.1 does not match 5.1.10; "none." for a reply without one.
    enhanced: tuple[str, ...] = ()
    text: str = ""
    pattern: re.Pattern[str] | None = None
    stages: frozenset[Stage] = frozenset()
    # The kind of a bounce with these words, if the meaning's kind would be too strong.
    kind: str = ""
    # The words are about our account at the relay, not about the recipient.
    of_account: bool = False
    source: str = ""
    # Whether the operator wrote it.
    own: bool = False

    def matches(self, reply: Reply) -> bool:
        return (
            (not self.code or reply.code.startswith(self.code))
            and (not self.provider or self.provider in reply.signs)
            and (not self.stages or reply.stage in self.stages)
            and (not self.enhanced or f"{reply.enhanced or 'none'}.".startswith(self.enhanced))
            and (self.pattern is None or self.pattern.search(self._words(reply)) is not None)
        )

    def found(self, reply: Reply) -> str:
        """The words that matched; "" if a code decided."""
        match = self.pattern and self.pattern.search(self._words(reply))
        return " ".join(match[0].split())[:80] if match else ""

    def _words(self, reply: Reply) -> str:
        """Rules for one server, and the operator's, see the whole text with hosts. General rules
        see it without them, and a rule for ADDRESS sees only sentences about the recipient: other
        words don't prove that the recipient doesn't exist."""
        if self.provider or self.own:
            return reply.full
        return reply.about_recipient if self.meaning is Meaning.ADDRESS else reply.said


@dataclass(frozen=True, slots=True)
class Rules:
    signs: tuple[Sign, ...] = ()
    rules: tuple[Rule, ...] = ()


def read_file(path: Path, *, own: bool = False) -> Rules:
    """Raises RuleError with the file's name."""
    try:
        return read(path.read_text(encoding="utf-8"), own=own)
    except OSError as error:
        raise RuleError(f"{path} can't be read ({error.strerror}).") from error
    except (RuleError, ValueError) as error:
        raise RuleError(f"{path}: {error}") from error


def read(toml: str, *, own: bool = False) -> Rules:
    """Raises RuleError."""
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"this is no TOML: {error}") from error
    if unknown := sorted(tables.keys() - {"provider", "rule"}):
        raise RuleError(f"unknown table {unknown[0]!r}; use [[rule]] and [provider.KEY].")
    signs = _signs(tables.get("provider", {}))
    return Rules(signs, _rules(tables.get("rule", []), own=own))


def of_provider(
    key: str, names: Mapping[str, str], sign: Any, entries: Any, *, service: bool = False
) -> Rules:
    """A provider's sign and rules, as tomllib gives them. A rule applies only to replies with the
    sign, and is called <key>.<name>. `service`: see Sign. Raises RuleError."""
    found = replace(_sign(key, names, sign), service=service)
    return Rules((found,), _rules(entries, provider=key))


def _rules(entries: Any, *, own: bool = False, provider: str = "") -> tuple[Rule, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RuleError("write each rule as [[rule]], with two brackets.")
    rules = tuple(
        _rule(entry, number, own=own, provider=provider) for number, entry in enumerate(entries, 1)
    )
    names = [rule.name for rule in rules]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise RuleError(f"two rules are called {twice!r}.")
    return rules


def _signs(tables: Any) -> tuple[Sign, ...]:
    if not isinstance(tables, dict):
        raise RuleError("write a provider as [provider.KEY].")
    found = []
    for key, table in tables.items():
        given = table if isinstance(table, dict) else {}
        found.append(_sign(key, _names(key, given), given.get("sign")))
    return tuple(found)


def _names(key: str, table: Mapping[str, Any]) -> Mapping[str, str]:
    """One name, or one for each language."""
    found = table.get("name", key)
    names = found if isinstance(found, dict) else {"en": found}
    if "en" not in names or not all(isinstance(name, str) for name in names.values()):
        raise RuleError(f'provider {key!r}: write name = "...", or name.en and name.zh.')
    return names


def _sign(key: str, names: Mapping[str, str], sign: Any) -> Sign:
    if not isinstance(sign, str):
        raise RuleError(f'provider {key!r}: give it a sign = "..." that tells its replies.')
    return Sign(key, names, _pattern(sign, f"provider {key!r}: the sign"))


def _rule(entry: Mapping[str, Any], number: int, *, own: bool, provider: str) -> Rule:
    name = entry.get("name", "")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise RuleError(f"rule {number}: give it a name in small letters, such as 'my-relay.full'.")
    where = f"rule {name!r}"
    fields = FIELDS - {"provider"} if provider else FIELDS
    if unknown := sorted(entry.keys() - fields):
        raise RuleError(f"{where}: unknown field {unknown[0]!r}; there are {_listed(fields)}.")
    if not isinstance(entry.get("of_account", False), bool):
        raise RuleError(f"{where}: of_account is true or false.")
    text = "|".join(_words(entry, "text", where))
    meanings = [one.value for one in Meaning if one is not Meaning.ACCEPTED]
    if (meaning := entry.get("meaning")) not in meanings:
        raise RuleError(f"{where}: the meaning is one of {_listed(meanings)}.")
    return Rule(
        name=f"{provider}.{name}" if provider else name,
        meaning=Meaning(meaning),
        provider=provider or "".join(_words(entry, "provider", where)),
        code=_checked(entry, "code", where, CODE, "4, 55 or 550"),
        enhanced=tuple(
            f"{one}." for one in _checked(entry, "enhanced", where, ENHANCED, "5.7 or 5.1.1")
        ),
        text=text,
        pattern=_pattern(text, f"{where}: the text") if text else None,
        stages=frozenset(_stages(entry, where)),
        kind=_kind(entry, where),
        of_account=entry.get("of_account", False),
        source="".join(_words(entry, "source", where)),
        own=own,
    )


def _words(entry: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    """A text or a list of texts, as a tuple."""
    given = entry.get(field, ())
    found = (given,) if isinstance(given, str) else given
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise RuleError(f'{where}: write {field} = "..." or {field} = ["...", "..."].')
    return tuple(one for one in found if one)


def _checked(
    entry: Mapping[str, Any], field: str, where: str, form: re.Pattern[str], examples: str
) -> tuple[str, ...]:
    found = _words(entry, field, where)
    if wrong := next((one for one in found if not form.fullmatch(one)), ""):
        raise RuleError(f"{where}: {field} is {wrong!r}; write how it begins: {examples}.")
    return found


def _stages(entry: Mapping[str, Any], where: str) -> Iterator[Stage]:
    found = _words(entry, "stage", where)
    known = [stage.value for stage in Stage if stage]
    if any(one not in known for one in found):
        raise RuleError(f"{where}: a stage is one of {_listed(known)}.")
    return map(Stage, found)


def _kind(entry: Mapping[str, Any], where: str) -> str:
    found = "".join(_words(entry, "kind", where))
    if found and found not in KINDS:
        raise RuleError(f"{where}: the kind is one of {_listed(KINDS)}.")
    return found


def _pattern(text: str, what: str) -> re.Pattern[str]:
    """Replies are compared in lower case, so the pattern is lowered, except for its escapes (\\S is
    not \\s)."""
    small = re.sub(r"\\.|[^\\]+", lambda part: _lower(part[0]), text, flags=re.DOTALL)
    if wrong := problem(small):
        raise RuleError(f"{what} {wrong}.")
    return re.compile(small)


def _lower(part: str) -> str:
    return part if part.startswith("\\") else part.lower()


def _listed(words: Any) -> str:
    return ", ".join(sorted(words))
