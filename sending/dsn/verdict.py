"""What a server's words mean, by the rules in bounces.toml. Pure."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sending.dsn.report import Kind

# A reason stands in the first lines of an answer.
MOST_WORDS = 3000


@dataclass(frozen=True, slots=True)
class Rule:
    """Matches when all that is given matches. `status` and `code` are beginnings."""

    kind: Kind
    status: str
    code: str
    text: re.Pattern[str] | None

    def matches(self, status: str, code: str, words: str) -> str:
        """What it goes by: a status, a code or words of the text; "" for no match."""
        if self.status and not f"{status}.".startswith(f"{self.status}."):
            return ""
        if self.code and not code.startswith(self.code):
            return ""
        if self.text is None:
            return (self.status and status) or (self.code and code) or "no better sign"
        found = self.text.search(words)
        return f"“{' '.join(found[0].split())[:80]}”" if found else ""


@cache
def book() -> dict[str, tuple[Rule, ...]]:
    """The rules of bounces.toml by their table, in their order."""
    with Path(__file__).with_name("bounces.toml").open("rb") as file:
        tables = tomllib.load(file)
    return {name: tuple(_rule(entry) for entry in entries) for name, entries in tables.items()}


def _rule(entry: dict[str, str | list[str]]) -> Rule:
    given = entry.get("text", "")
    text = given if isinstance(given, str) else "|".join(given)
    return Rule(
        kind=Kind(str(entry["kind"])),
        status=str(entry.get("status", "")),
        code=str(entry.get("code", "")),
        text=re.compile(text, re.IGNORECASE) if text else None,
    )


def judge(table: str, words: str, status: str = "", code: str = "") -> tuple[Kind, str] | None:
    """The kind, and what decided it, by the first rule of the table that matches."""
    line = " ".join(words[:MOST_WORDS].split())
    for rule in book()[table]:
        if why := rule.matches(status, code, line):
            return rule.kind, why
    return None
