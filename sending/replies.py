"""What an SMTP reply means for a message. Pure; the rules are data (replies.toml)."""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b")


class Meaning(StrEnum):
    """Each decides what happens to the message; the values are codes of sending.reasons."""

    ACCEPTED = "accepted"
    ADDRESS = "address"  # fails; the address is suppressed
    POLICY = "policy"  # fails
    TOO_LARGE = "too_large"  # fails
    TRANSIENT = "transient"  # tried again, later each time
    FULL = "full"  # tried again, later each time
    GREYLISTED = "greylisted"  # tried again soon
    RATE = "rate"  # the relay slows down; the message loses nothing
    LOGIN = "login"  # stops the relay
    SENDER = "sender"  # stops the relay

    @property
    def fails(self) -> bool:
        return self in {Meaning.ADDRESS, Meaning.POLICY, Meaning.TOO_LARGE}

    @property
    def retries(self) -> bool:
        return self in {Meaning.TRANSIENT, Meaning.FULL, Meaning.GREYLISTED}

    @property
    def stops_relay(self) -> bool:
        return self in {Meaning.LOGIN, Meaning.SENDER}


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    enhanced: str
    text: re.Pattern[str] | None
    meaning: Meaning

    def matches(self, code: str, enhanced: str, words: str) -> bool:
        if not code.startswith(self.code):
            return False
        # "5.1.1" must not match 5.1.10.
        if self.enhanced and not f"{enhanced}.".startswith(f"{self.enhanced}."):
            return False
        return self.text is None or bool(self.text.search(words))


@cache
def rules() -> tuple[Rule, ...]:
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        entries = tomllib.load(file)["rule"]
    return tuple(
        Rule(
            code=entry.get("code", ""),
            enhanced=entry.get("enhanced", ""),
            text=re.compile(entry["text"], re.IGNORECASE) if "text" in entry else None,
            meaning=Meaning(entry["meaning"]),
        )
        for entry in entries
    )


def meaning(code: int, words: str) -> Meaning:
    """`words`: the reply's text without its code, lines joined."""
    if 200 <= code < 300:
        return Meaning.ACCEPTED
    found = ENHANCED.match(words.strip())
    enhanced = found[1] if found else ""
    for rule in rules():
        if rule.matches(str(code), enhanced, words):
            return rule.meaning
    return Meaning.TRANSIENT
