"""What kind of mail came back, by the tables of bounces.toml. Pure."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bounces.reading.report import ReportKind

# A reason stands in the first lines of an answer.
MOST_WORDS = 3000


@dataclass(frozen=True, slots=True)
class BounceSign:
    kind: ReportKind
    text: re.Pattern[str]


@cache
def signs_by_table() -> dict[str, tuple[BounceSign, ...]]:
    """The signs of bounces.toml by their table, in their order."""
    with Path(__file__).with_name("bounces.toml").open("rb") as file:
        tables = tomllib.load(file)
    return {name: tuple(_sign(entry) for entry in entries) for name, entries in tables.items()}


def _sign(entry: dict[str, str | list[str]]) -> BounceSign:
    given = entry["text"]
    text = given if isinstance(given, str) else "|".join(given)
    return BounceSign(ReportKind(str(entry["kind"])), re.compile(text, re.IGNORECASE))


def judge(table: str, words: str) -> tuple[ReportKind, str] | None:
    """The kind, and what decided it, by the first sign of the table that is found."""
    line = " ".join(words[:MOST_WORDS].split())
    for sign in signs_by_table()[table]:
        if found := sign.text.search(line):
            return sign.kind, f"“{' '.join(found[0].split())[:80]}”"
    return None


def without_boilerplate(notice: str) -> str:
    """The notice without the sentences that each notice of its server holds; paragraphs stay."""
    paragraphs = re.split(r"\n[ \t>*|-]{0,20}\n", notice[:MOST_WORDS])
    text = "\n\n".join(" ".join(one.split()) for one in paragraphs)
    for sign in signs_by_table()["boilerplate"]:
        text = sign.text.sub("\n\n", text)
    return text
